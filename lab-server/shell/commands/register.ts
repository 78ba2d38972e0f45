import type { Command } from '../command.ts'
import { leaseIdToHex } from '../quantities.ts'
import type { Registration, ServiceInstance } from '../../registry/registry.ts'
import { instanceKey } from '../../registry/service-key.ts'
import type { CommandContext } from '../command.ts'
import {
  naiveOption,
  nodeOf,
  readInstance,
  servicePositional,
  shortServiceName,
  versionOption,
} from './service-arguments.ts'
import { naiveOf, registryOf } from './tools.ts'

export const register: Command = {
  name: 'register',
  aliases: [],
  requires: ['registry'],
  positionals: [servicePositional, { name: 'address', required: true, placeholder: '<host:port>' }],
  options: [
    versionOption,
    { kind: 'text', name: 'group', value: 'group', defaultValue: 'default' },
    {
      kind: 'integer',
      name: 'ttl',
      value: 'seconds',
      min: 1,
      max: 86_400,
      defaultValue: 30,
      setting: 'ttlSeconds',
    },
    naiveOption,
  ],
  needsQuorum: true,
  examples: [
    'register UserService 127.0.0.1:8080',
    'register UserService:2.0 127.0.0.1:8081 --ttl 10',
  ],
  async run(context) {
    const { args, signal } = context
    const isNaive = args.flag('naive')
    const registry = isNaive ? naiveOf(context) : registryOf(context).registry
    const instance = readInstance(args, args.text('group') ?? 'default')
    const ttlSeconds = args.integer('ttl')
    const holder = isNaive ? null : await context.wait(findHolder(context, instance))
    const registration = await context.wait(registry.register(instance, { ttlSeconds, signal }))
    const data = { ...describeRegistration(registration), ...(holder && { overtook: holder }) }
    context.result(data, () => {
      printRegistered(context, registration, isNaive)
      if (holder === null) return
      context.warn(
        context.m.register.overtook({ node: nodeOf(registration.instance), ...holder }),
        'warn',
      )
    })
    return 0
  },
}

/** A living lease that somebody else has the address on; null when nobody has. */
async function findHolder(
  context: CommandContext,
  instance: ServiceInstance,
): Promise<{ readonly lease: string; readonly remaining: number } | null> {
  const { registry, inspector } = registryOf(context)
  const key = instanceKey(instance)
  if (registry.registrations().some((own) => own.key === key)) return null
  const { found } = await inspector.key(key)
  if (found === null || found.lease === '0') return null
  const [lease] = await inspector.findLeases([found.lease])
  if (lease === undefined) return null
  return { lease: leaseIdToHex(lease.id), remaining: lease.remaining }
}

/** As data: the lease as etcdctl prints it. */
function describeRegistration(registration: Registration) {
  const { instance, key } = registration
  const { id, ttlSeconds } = registration.lease()
  return { type: 'registered', ...instance, key, lease: leaseIdToHex(id), ttlSeconds }
}

function printRegistered(context: CommandContext, registration: Registration, isNaive: boolean) {
  const { m, prefix } = context
  const { instance } = registration
  const { id, ttlSeconds } = registration.lease()
  const asked = context.args.integer('ttl')
  const node = nodeOf(instance)
  const service = shortServiceName({
    name: instance.serviceName,
    version: instance.serviceVersion,
  })
  const words = wordsFor(context, isNaive)
  context.print(words.done({ node, ttl: ttlSeconds, lease: leaseIdToHex(id) }), 'good')
  if (ttlSeconds !== asked) context.print(m.register.granted({ asked, granted: ttlSeconds }))
  context.print(words.next({ service, node, prefix }), 'dim')
}

function wordsFor({ m, tools }: CommandContext, isNaive: boolean) {
  if (isNaive) return { done: m.naive.registered, next: m.naive.next }
  if (tools.program === null) return m.register
  return { done: m.program.registered, next: m.program.afterRegister }
}
