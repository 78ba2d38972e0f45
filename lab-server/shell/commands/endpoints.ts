import type { EndpointFacts } from '../../etcd/etcd-inspector.ts'
import type { ClusterDriver } from '../../cluster/cluster-driver.ts'
import type { Command, CommandContext } from '../command.ts'
import { findEndpoints } from '../etcdctl/endpoints.ts'
import type { Messages } from '../messages/en.ts'
import { formatBytes } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { stateCell } from './cluster.ts'
import { registryOf } from './tools.ts'

/** In a lab: its members, which are sockets unless the cluster is shared. */
function showMembers(context: CommandContext, driver: ClusterDriver): number {
  const { m } = context
  const members = driver.members()
  const { byMember } = findEndpoints(members)
  const data = members.map(({ name, state }) => ({
    member: name,
    endpoint: byMember.get(name) ?? '',
    state,
  }))
  context.result({ endpoints: data }, ({ endpoints: found }) => {
    context.printTable(
      [
        { title: m.endpoints.member },
        { title: m.endpoints.endpoint },
        { title: m.endpoints.state },
      ],
      found.map(({ member, endpoint, state }) => [member, endpoint, stateCell(state, m)]),
    )
    if (context.tools.shared === undefined) context.print(m.endpoints.note, 'dim')
  })
  return 0
}

/** Any other etcd: every endpoint is asked by itself. */
async function askEndpoints(context: CommandContext): Promise<number> {
  const found = await context.wait(registryOf(context).inspector.endpoints())
  context.result({ endpoints: found.map(describeEndpoint) }, ({ endpoints: all }) => {
    printEndpoints(context, all)
  })
  return found.some(({ answer }) => answer !== null) ? 0 : 1
}

function describeEndpoint({ endpoint, name, answer, error }: EndpointFacts) {
  if (answer === null) {
    const why = { code: error?.code ?? null, error: error?.message ?? '' }
    return { endpoint, member: name, answers: false as const, ...why }
  }
  const { memberId, leaderId, term, revision, dbSize, version, errors, latencyMs } = answer
  const facts = { memberId, leaderId, term, revision, dbSize, version, errors, latencyMs }
  return { endpoint, member: name, answers: true as const, ...facts }
}

type DescribedEndpoint = ReturnType<typeof describeEndpoint>

function printEndpoints(context: CommandContext, all: readonly DescribedEndpoint[]) {
  const { m } = context
  const right = { align: 'right' } as const
  context.printTable(
    [
      { title: m.endpoints.endpoint },
      { title: m.cluster.member },
      { title: m.cluster.role },
      { title: m.cluster.term, ...right },
      { title: m.cluster.revision, ...right },
      { title: m.cluster.dbSize, ...right },
      { title: m.cluster.version },
    ],
    all.map((one) => [
      one.endpoint,
      one.member ?? '',
      roleCell(one, m),
      ...(one.answers ? [one.term, one.revision, formatBytes(one.dbSize), one.version] : []),
    ]),
  )
  for (const one of all) {
    const { endpoint } = one
    if (!one.answers) warnOfSilence(context, one)
    else if (one.errors.length > 0) {
      const facts = { member: one.member ?? endpoint, errors: one.errors.join(m.listSeparator) }
      context.warn(m.cluster.errorsOf(facts), 'warn')
    }
  }
}

/** A member that refuses is there; what helps is another user. */
function warnOfSilence(context: CommandContext, one: DescribedEndpoint & { answers: false }) {
  const { m } = context
  const facts = { endpoint: one.endpoint, reason: makeVisibleInline(one.error) }
  const refuses = one.code === 'ETCD_REFUSED'
  context.warn(refuses ? m.endpoints.refuses(facts) : m.endpoints.silent(facts), 'warn')
}

function roleCell(one: DescribedEndpoint, m: Messages) {
  if (!one.answers) {
    const refuses = one.code === 'ETCD_REFUSED'
    return { text: refuses ? m.cluster.refuses : m.cluster.silent, style: 'bad' as const }
  }
  if (one.leaderId === null) return { text: m.cluster.knowsNone, style: 'bad' as const }
  return one.leaderId === one.memberId
    ? { text: m.cluster.leader, style: 'good' as const }
    : m.cluster.follower
}

export const endpoints: Command = {
  name: 'endpoints',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [],
  examples: ['endpoints'],
  async run(context) {
    const { driver } = context.tools
    return driver === null ? await askEndpoints(context) : showMembers(context, driver)
  },
}
