import type { ClusterSnapshot, MemberView, ProcessState } from '../../../protocol/index.ts'
import type { Command } from '../command.ts'
import type { Messages } from '../messages/en.ts'
import type { Style } from '../paint.ts'
import { formatBytes } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import type { Cell, Column } from '../table.ts'
import { freshSnapshot, printNoLeader, printQuorum } from './cluster-facts.ts'
import { sharedWords } from '../usage.ts'
import { wrapText } from '../wrap-text.ts'
import { clusterOf } from './tools.ts'

const stateStyles: Readonly<Record<ProcessState, Style>> = {
  starting: 'warn',
  running: 'good',
  paused: 'warn',
  stopped: 'dim',
  killed: 'bad',
  exited: 'bad',
}

/** The process state in the reader's words. */
export function stateCell(state: ProcessState, m: Messages): Cell {
  return { text: m.cluster.states[state], style: stateStyles[state] }
}

function roleCell(member: MemberView, snapshot: ClusterSnapshot, m: Messages): Cell {
  const { status } = member
  if (member.refusal !== undefined) return { text: m.cluster.refuses, style: 'warn' }
  if (status === null) return { text: m.cluster.silent, style: 'dim' }
  if (status.isLeader) return { text: m.cluster.leader, style: 'strong' }
  if (status.leader === null) return { text: m.cluster.knowsNone, style: 'warn' }
  if (status.leader === snapshot.leader) return m.cluster.follower
  return { text: m.cluster.believes({ leader: status.leader }), style: 'warn' }
}

function columns(m: Messages): Column[] {
  return [
    { title: m.cluster.member },
    { title: m.cluster.process },
    { title: m.cluster.role },
    { title: m.cluster.term, align: 'right' },
    { title: m.cluster.revision, align: 'right' },
    { title: m.cluster.dbSize, align: 'right' },
    { title: m.cluster.version },
  ]
}

function row(member: MemberView, snapshot: ClusterSnapshot, m: Messages): Cell[] {
  const { status } = member
  return [
    member.name,
    stateCell(member.process, m),
    roleCell(member, snapshot, m),
    status?.term ?? '',
    status?.revision ?? '',
    status === null ? '' : formatBytes(status.dbSize),
    status?.version ?? '',
  ]
}

export const cluster: Command = {
  name: 'cluster',
  aliases: ['status'],
  requires: ['cluster'],
  positionals: [],
  options: [],
  examples: ['cluster'],
  async run(context) {
    const { driver, monitor } = clusterOf(context)
    const { m } = context
    const snapshot = await context.wait(freshSnapshot(monitor))
    context.printTable(
      columns(m),
      snapshot.members.map((member) => row(member, snapshot, m)),
    )
    printQuorum(context, m, driver)
    if (snapshot.leader === null) printNoLeader(context, m, snapshot)
    for (const { name, status } of snapshot.members) {
      if (status === null || status.errors.length === 0) continue
      const errors = makeVisibleInline(status.errors.join('; '))
      context.print(m.cluster.errorsOf({ member: name, errors }), 'warn')
    }
    const { shared } = context.tools
    if (shared !== undefined)
      context.print(wrapText(sharedWords(shared, m), context.columns), 'dim')
    return 0
  },
}
