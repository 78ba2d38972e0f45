import type { NaiveDiscovery } from '../../registry/naive/naive-port.ts'
import type { Discovery, FoundInstance, ServiceId } from '../../registry/registry.ts'
import type { Command, CommandContext } from '../command.ts'
import { leaseIdToHex } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import {
  addressOf,
  naiveOption,
  readService,
  servicePositional,
  shortServiceName,
  versionOption,
} from './service-arguments.ts'
import { naiveOf, registryOf } from './tools.ts'

/** As etcdctl prints it; null = none. */
export function describeLeaseId(lease: string): string | null {
  return lease === '0' ? null : leaseIdToHex(lease)
}

/** An instance and where it came from, as data. */
export function describeInstance({ instance, key, revision, lease }: FoundInstance) {
  return { ...instance, key, revision, lease: describeLeaseId(lease) }
}

/** The state of a service, as data. */
export function describeDiscovery(service: ServiceId, discovery: Discovery) {
  return {
    service,
    revision: discovery.revision,
    instances: discovery.instances.map(describeInstance),
    undecodable: discovery.undecodable,
  }
}

/** The instances as a table, and on standard error every key that was skipped. */
export function printInstances(
  context: CommandContext,
  { instances, undecodable }: ReturnType<typeof describeDiscovery>,
) {
  const { m } = context
  const columns = [
    { title: m.discover.address },
    { title: m.discover.group },
    { title: m.discover.revision, align: 'right' as const },
    { title: m.discover.lease },
  ]
  const rows = instances.map((one) => [
    addressOf(one),
    one.serviceGroup,
    one.revision,
    one.lease ?? m.discover.noLease,
  ])
  if (rows.length > 0) context.printTable(columns, rows)
  for (const { key, reason } of undecodable) {
    const facts = { key: makeVisibleInline(key), reason: makeVisibleInline(reason) }
    context.warn(m.discover.undecodable(facts), 'warn')
  }
}

export const discover: Command = {
  name: 'discover',
  aliases: [],
  requires: ['registry'],
  positionals: [servicePositional],
  options: [versionOption, naiveOption],
  needsQuorum: true,
  examples: ['discover UserService', 'discover UserService:2.0'],
  async run(context) {
    const { m, prefix } = context
    const id = readService(context.args)
    const naive = context.args.flag('naive') ? naiveOf(context) : null
    const { registry } = registryOf(context)
    const discovery = await context.wait<Discovery | NaiveDiscovery>(
      (naive ?? registry).discover(id),
    )
    const service = shortServiceName(id)
    context.result(describeDiscovery(id, discovery), (data) => {
      const { revision } = data
      printInstances(context, data)
      if (data.instances.length === 0) {
        context.print(m.discover.none({ service, revision }))
        if (naive === null) context.print(m.discover.hint({ service, prefix }), 'dim')
      } else {
        context.print(m.discover.found({ service, count: data.instances.length, revision }))
      }
    })
    if ('from' in discovery) context.print(m.naive.answered[discovery.from], 'dim')
    return 0
  },
}
