import type { Command, CommandContext } from '../command.ts'
import { diagnose, diagnoseReach, type Finding } from '../doctor/diagnose.ts'
import { examine, most, type Examination } from '../doctor/examine.ts'
import { remediesFor } from '../doctor/remedies.ts'
import { withoutDirectory } from '../etcdctl/endpoints.ts'
import type { Messages } from '../messages/en.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { quorumNow } from './cluster-facts.ts'
import { registryOf } from './tools.ts'

/** Of one kind; a machine reads them all. */
const mostShown = 20

const severe: ReadonlySet<Finding['kind']> = new Set([
  'alarm',
  'silent-endpoint',
  'unreachable',
  'unread',
])

type Diagnosis = Finding & { readonly remedies: readonly string[] }

function findAll(context: CommandContext, seen: Examination): readonly Diagnosis[] {
  const { tools, prefix } = context
  const endpoints = tools.program?.endpoints ?? null
  const namespace = tools.shared?.namespace ?? ''
  const members = tools.driver?.members() ?? []
  // In a lab the endpoints cannot be wrong ones: each silent member is a finding of its own.
  const unreachable = tools.program === null ? null : diagnoseReach(seen)
  const findings = unreachable === null ? diagnose(seen) : [unreachable]
  return findings.map((finding) => ({
    ...finding,
    remedies: remediesFor(finding, { prefix, endpoints, namespace, members }),
  }))
}

/**
 * In a lab its sockets would say nothing to a reader: a member's name does, and no directory. Its
 * driver knows of a lost quorum before any call does.
 */
function inLabWords<T extends Finding>(finding: T, { tools: { driver } }: CommandContext): T {
  if (driver === null) return finding
  const members = driver.members()
  const nameOf = (endpoint: string) =>
    members.find(({ clientUrl }) => clientUrl === endpoint)?.name ?? endpoint
  return {
    ...finding,
    ...('endpoint' in finding && { endpoint: nameOf(finding.endpoint) }),
    ...('code' in finding && !quorumNow(driver).held && { code: 'QUORUM_LOST' }),
    ...('reason' in finding && { reason: withoutDirectory(finding.reason, members) }),
  }
}

/** What a refusal says, by etcd or by TLS: there a reader learns more than that nobody answered. */
function refusalIn(reason: string): string | null {
  return /(?:etcdserver|TLS): [^]*/.exec(reason)?.[0] ?? null
}

function withRefusal(sentence: string, reason: string, m: Messages): string {
  const refusal = refusalIn(reason)
  return refusal === null ? sentence : m.errorWithOriginal(sentence, makeVisibleInline(refusal))
}

function describeFinding(finding: Finding, m: Messages): string {
  const words = m.doctor
  switch (finding.kind) {
    case 'ghost':
      return words.ghost({ key: makeVisibleInline(finding.key) })
    case 'undecodable': {
      const reason = makeVisibleInline(finding.reason)
      return words.undecodable({ key: makeVisibleInline(finding.key), reason })
    }
    case 'foreign-key':
      return words.foreignKey({ key: makeVisibleInline(finding.key) })
    case 'mismatch': {
      const valueKey = makeVisibleInline(finding.valueKey)
      return words.mismatch({ key: makeVisibleInline(finding.key), valueKey })
    }
    case 'stray-key':
      return words.strayKey({ key: makeVisibleInline(finding.key), lease: finding.lease })
    case 'overdue-lease':
      return words.overdueLease(finding)
    case 'orphan-lease':
      return words.orphanLease({ ...finding, granted: finding.grantedTtl })
    case 'full-lease':
      return words.fullLease(finding)
    case 'alarm': {
      const { alarm, member, memberId } = finding
      const facts = { member: makeVisibleInline(member ?? memberId) }
      return alarm === 'NOSPACE' ? words.noSpace(facts) : words.corrupt(facts)
    }
    case 'silent-endpoint':
      return withRefusal(words.silentEndpoint(finding), finding.reason, m)
    case 'refusing-endpoint':
      return withRefusal(words.refusingEndpoint(finding), finding.reason, m)
    case 'unreachable': {
      const endpoints = finding.endpoints.join(m.listSeparator)
      return withRefusal(words.unreachable({ endpoints }), finding.reason, m)
    }
    case 'unread':
      return words.unread[finding.what]({ reason: words.unanswered[finding.code] })
    case 'no-leader':
      return words.noLeader({ member: makeVisibleInline(finding.member ?? finding.endpoint) })
  }
}

function adviceFor(finding: Diagnosis, { m, tools }: CommandContext): string | null {
  switch (finding.kind) {
    case 'ghost':
      return m.doctor.ghostAdvice
    case 'orphan-lease':
      return m.doctor.orphanAdvice
    case 'full-lease':
      return m.doctor.fullAdvice
    case 'overdue-lease':
    case 'no-leader':
      return m.doctor.leaderAdvice
    case 'silent-endpoint':
      return finding.remedies.length === 0 ? m.doctor.silentAdvice : null
    case 'refusing-endpoint':
      return tools.program === null ? m.shell.authOn : m.doctor.refusingAdvice
    case 'unread':
      return m.doctor.unreadAdvice
    case 'alarm':
      return finding.alarm === 'CORRUPT' ? m.doctor.corruptAdvice : null
    case 'unreachable':
    case 'undecodable':
    case 'foreign-key':
    case 'mismatch':
    case 'stray-key':
      return null
  }
}

/** Advice without commands below it is given once: `given` keeps what a reader has read. */
function printFinding(context: CommandContext, finding: Diagnosis, given: Set<string>) {
  const { m } = context
  context.print(describeFinding(finding, m), severe.has(finding.kind) ? 'bad' : 'warn')
  const advice = adviceFor(finding, context)
  if (advice !== null && !given.has(advice)) context.print(`  ${advice}`)
  if (advice !== null && finding.remedies.length === 0) given.add(advice)
  for (const remedy of finding.remedies) context.print(`    ${remedy}`, 'accent')
}

function printFindings(context: CommandContext, findings: readonly Diagnosis[]) {
  const shown = new Map<Finding['kind'], number>()
  const given = new Set<string>()
  for (const finding of findings) {
    const before = shown.get(finding.kind) ?? 0
    shown.set(finding.kind, before + 1)
    if (before < mostShown) printFinding(context, finding, given)
  }
  for (const [kind, count] of shown) {
    if (count > mostShown) context.print(context.m.doctor.more({ kind, count: count - mostShown }))
  }
}

/** What was looked at, and what was left out; null for what could not be read. */
function describeScope({ keys, keyCount, leases, leaseCount, endpoints }: Examination) {
  return {
    keys: keyCount === null ? null : { seen: keys.length, total: keyCount },
    leases: leaseCount === null ? null : { seen: leases.length, total: leaseCount },
    endpoints: endpoints.length,
  }
}

function printScope(context: CommandContext, scope: ReturnType<typeof describeScope>) {
  const { m } = context
  const { keys, leases } = scope
  if (keys !== null && keys.seen < keys.total) context.print(m.doctor.keysCut(keys), 'warn')
  if (leases !== null && leases.total > most.leases) {
    context.print(m.doctor.leasesCut(leases), 'warn')
  }
}

export const doctor: Command = {
  name: 'doctor',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [],
  needsQuorum: true,
  examples: ['doctor'],
  async run(context) {
    const { m } = context
    const seen = await context.wait(examine(registryOf(context).inspector, context.signal))
    const findings = findAll(context, seen).map((finding) => inLabWords(finding, context))
    const scope = describeScope(seen)
    const data = {
      healthy: findings.length === 0,
      revision: seen.revision,
      checked: scope,
      findings: findings.map(withoutBytes),
    }
    context.result(data, ({ healthy }) => {
      printFindings(context, findings)
      printScope(context, scope)
      const looked = m.doctor.looked({
        keys: scope.keys?.seen ?? null,
        leases: scope.leases?.seen ?? null,
        endpoints: scope.endpoints,
      })
      const facts = { findings: findings.length, looked }
      context.print(healthy ? m.doctor.healthy(facts) : m.doctor.summary(facts), 'strong')
    })
    return data.healthy ? 0 : 1
  },
}

/** The key is there as text. */
function withoutBytes(finding: Diagnosis): object {
  return { ...finding, bytes: undefined }
}
