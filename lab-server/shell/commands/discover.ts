import type { NaiveDiscovery } from '../../registry/naive/naive-port.ts'
import type { Discovery } from '../../registry/registry.ts'
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

/** The instances as a table, and on standard error every key that was skipped. */
export function printInstances(context: CommandContext, discovery: Discovery) {
  const { m } = context
  const columns = [
    { title: m.discover.address },
    { title: m.discover.group },
    { title: m.discover.revision, align: 'right' as const },
    { title: m.discover.lease },
  ]
  const rows = discovery.instances.map(({ instance, revision, lease }) => [
    addressOf(instance),
    instance.serviceGroup,
    revision,
    lease === '0' ? m.discover.noLease : leaseIdToHex(lease),
  ])
  if (rows.length > 0) context.printTable(columns, rows)
  for (const { key, reason } of discovery.undecodable) {
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
  examples: ['discover UserService', 'discover UserService:2.0'],
  async run(context) {
    const { m } = context
    const id = readService(context.args)
    const naive = context.args.flag('naive') ? naiveOf(context) : null
    const { registry } = registryOf(context)
    const discovery = await context.wait<Discovery | NaiveDiscovery>(
      (naive ?? registry).discover(id),
    )
    const service = shortServiceName(id)
    const { revision } = discovery
    printInstances(context, discovery)
    if (discovery.instances.length === 0) {
      context.print(m.discover.none({ service, revision }))
      if (naive === null) context.print(m.discover.hint({ service }), 'dim')
    } else {
      context.print(m.discover.found({ service, count: discovery.instances.length, revision }))
    }
    if ('from' in discovery) context.print(m.naive.answered[discovery.from], 'dim')
    return 0
  },
}
