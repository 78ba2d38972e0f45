import type { Registry, ServiceInstance } from '../../registry/registry.ts'
import { instanceKey } from '../../registry/service-key.ts'
import type { Command } from '../command.ts'
import {
  naiveOption,
  nodeOf,
  readInstance,
  servicePositional,
  versionOption,
} from './service-arguments.ts'
import { naiveOf, registryOf } from './tools.ts'

/** The same instance is one whose key is the same; the group is not part of the key. */
function isOwn(registry: Registry, wanted: ServiceInstance): boolean {
  return registry
    .registrations()
    .some(
      ({ instance }) =>
        instance.serviceName === wanted.serviceName &&
        instance.serviceVersion === wanted.serviceVersion &&
        instance.serviceHost === wanted.serviceHost &&
        instance.servicePort === wanted.servicePort,
    )
}

export const deregister: Command = {
  name: 'deregister',
  aliases: [],
  requires: ['registry'],
  positionals: [
    servicePositional,
    { name: 'address', required: true, placeholder: '<host:port>', complete: 'addresses' },
  ],
  options: [versionOption, naiveOption],
  needsQuorum: true,
  examples: ['deregister UserService 127.0.0.1:8080'],
  async run(context) {
    const { m } = context
    const instance = readInstance(context.args, 'default')
    if (context.args.flag('naive')) {
      await context.wait(naiveOf(context).deregister(instance))
      context.print(m.naive.deregistered({ node: nodeOf(instance) }))
      return 0
    }
    const { registry } = registryOf(context)
    const own = isOwn(registry, instance)
    await context.wait(registry.deregister(instance))
    const node = nodeOf(instance)
    const foreign = context.tools.program === null ? m.deregister.foreign : m.program.deregistered
    const words = own ? m.deregister.own : foreign
    const data = { key: instanceKey(instance), deregistered: true }
    context.result(data, () => context.print(words({ node }), 'good'))
    return 0
  },
}
