import type { Command, CommandContext } from '../command.ts'
import { diagnose, type Finding } from '../doctor/diagnose.ts'
import { examine, most, type Examination } from '../doctor/examine.ts'
import { remediesFor } from '../doctor/remedies.ts'
import { withoutDirectory } from '../etcdctl/endpoints.ts'
import type { Messages } from '../messages/en.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { registryOf } from './tools.ts'

/** Of one kind; a machine reads them all. */
const mostShown = 20

const severe: ReadonlySet<Finding['kind']> = new Set(['alarm', 'silent-endpoint', 'unread'])

type Diagnosis = Finding & { readonly remedies: readonly string[] }

function findAll(context: CommandContext, seen: Examination): readonly Diagnosis[] {
  const { tools, prefix } = context
  const endpoints = tools.program?.endpoints ?? null
  return diagnose(seen).map((finding) => ({
    ...finding,
    remedies: remediesFor(finding, { prefix, endpoints }),
  }))
}

/** In a lab its sockets would say nothing to a reader: a member's name does, and no directory. */
function inLabWords<T extends Finding>(finding: T, { tools }: CommandContext): T {
  const members = tools.driver?.members() ?? []
  const nameOf = (endpoint: string) =>
    members.find(({ clientUrl }) => clientUrl === endpoint)?.name ?? endpoint
  return {
    ...finding,
    ...('endpoint' in finding && { endpoint: nameOf(finding.endpoint) }),
    ...('reason' in finding && { reason: withoutDirectory(finding.reason, members) }),
  }
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
      return words.silentEndpoint({ ...finding, reason: makeVisibleInline(finding.reason) })
    case 'unread':
      return words.unread[finding.what]({ reason: makeVisibleInline(finding.reason) })
    case 'no-leader':
      return words.noLeader({ member: makeVisibleInline(finding.member ?? finding.endpoint) })
  }
}

function adviceFor(finding: Finding, m: Messages): string | null {
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
      return m.doctor.silentAdvice
    case 'unread':
      return m.doctor.unreadAdvice
    case 'alarm':
      return finding.alarm === 'CORRUPT' ? m.doctor.corruptAdvice : null
    case 'undecodable':
    case 'foreign-key':
    case 'mismatch':
    case 'stray-key':
      return null
  }
}

function printFinding(context: CommandContext, finding: Diagnosis) {
  const { m } = context
  context.print(describeFinding(finding, m), severe.has(finding.kind) ? 'bad' : 'warn')
  const advice = adviceFor(finding, m)
  if (advice !== null) context.print(`  ${advice}`)
  for (const remedy of finding.remedies) context.print(`    ${remedy}`, 'accent')
}

function printFindings(context: CommandContext, findings: readonly Diagnosis[]) {
  const shown = new Map<Finding['kind'], number>()
  for (const finding of findings) {
    const before = shown.get(finding.kind) ?? 0
    shown.set(finding.kind, before + 1)
    if (before < mostShown) printFinding(context, finding)
  }
  for (const [kind, count] of shown) {
    if (count > mostShown) context.print(context.m.doctor.more({ kind, count: count - mostShown }))
  }
}

/** What was looked at, and what was left out. */
function describeScope({ keys, keyCount, leases, leaseCount, endpoints }: Examination) {
  return {
    keys: { seen: keys.length, total: keyCount },
    leases: { seen: leases.length, total: leaseCount },
    endpoints: endpoints.length,
  }
}

function printScope(context: CommandContext, scope: ReturnType<typeof describeScope>) {
  const { m } = context
  const { keys, leases } = scope
  if (keys.seen < keys.total) context.print(m.doctor.keysCut(keys), 'warn')
  if (leases.total > most.leases) context.print(m.doctor.leasesCut(leases), 'warn')
}

export const doctor: Command = {
  name: 'doctor',
  aliases: [],
  requires: ['registry'],
  positionals: [],
  options: [],
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
      const facts = {
        findings: findings.length,
        keys: scope.keys.seen,
        leases: scope.leases.seen,
        endpoints: scope.endpoints,
      }
      context.print(healthy ? m.doctor.healthy(facts) : m.doctor.summary(facts), 'strong')
    })
    return data.healthy ? 0 : 1
  },
}

/** The key is there as text. */
function withoutBytes(finding: Diagnosis): object {
  return { ...finding, bytes: undefined }
}
