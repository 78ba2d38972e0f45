import type { Command } from '../command.ts'
import { leaseIdToHex } from '../quantities.ts'
import type { Registration } from '../../registry/registry.ts'
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
    const registration = await context.wait(registry.register(instance, { ttlSeconds, signal }))
    context.result(describeRegistration(registration), () => {
      printRegistered(context, registration, isNaive)
    })
    return 0
  },
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
