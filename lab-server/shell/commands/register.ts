import type { Command } from '../command.ts'
import { leaseIdToHex } from '../quantities.ts'
import {
  nodeOf,
  readInstance,
  servicePositional,
  shortServiceName,
  versionOption,
} from './service-arguments.ts'
import { registryOf } from './tools.ts'

export const register: Command = {
  name: 'register',
  aliases: [],
  requires: ['registry'],
  positionals: [servicePositional, { name: 'address', required: true, placeholder: '<host:port>' }],
  options: [
    versionOption,
    { kind: 'text', name: 'group', value: 'group', defaultValue: 'default' },
    { kind: 'integer', name: 'ttl', value: 'seconds', min: 1, max: 86_400, defaultValue: 30 },
  ],
  examples: [
    'register UserService 127.0.0.1:8080',
    'register UserService:2.0 127.0.0.1:8081 --ttl 10',
  ],
  async run(context) {
    const { registry } = registryOf(context)
    const { args, m } = context
    const instance = readInstance(args, args.text('group') ?? 'default')
    const asked = args.integer('ttl')
    const { signal } = context
    const registration = await context.wait(
      registry.register(instance, { ttlSeconds: asked, signal }),
    )
    const { id, ttlSeconds } = registration.lease()
    const node = nodeOf(registration.instance)
    const service = shortServiceName({
      name: instance.serviceName,
      version: instance.serviceVersion,
    })
    context.print(m.register.done({ node, ttl: ttlSeconds, lease: leaseIdToHex(id) }), 'good')
    if (ttlSeconds !== asked) context.print(m.register.granted({ asked, granted: ttlSeconds }))
    context.print(m.register.next({ service, node }), 'dim')
    return 0
  },
}
