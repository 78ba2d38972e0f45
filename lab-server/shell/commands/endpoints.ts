import type { Command } from '../command.ts'
import { findEndpoints } from '../etcdctl/endpoints.ts'
import { stateCell } from './cluster.ts'
import { clusterOf } from './tools.ts'

export const endpoints: Command = {
  name: 'endpoints',
  aliases: [],
  requires: ['cluster'],
  positionals: [],
  options: [],
  examples: ['endpoints'],
  run(context) {
    const { m } = context
    const members = clusterOf(context).driver.members()
    const { byMember } = findEndpoints(members)
    context.printTable(
      [
        { title: m.endpoints.member },
        { title: m.endpoints.endpoint },
        { title: m.endpoints.state },
      ],
      members.map(({ name, state }) => [name, byMember.get(name) ?? '', stateCell(state, m)]),
    )
    context.print(m.endpoints.note, 'dim')
    return Promise.resolve(0)
  },
}
