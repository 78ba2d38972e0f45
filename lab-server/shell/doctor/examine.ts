import { toLabError, type ErrorCode } from '../../../protocol/index.ts'
import type {
  AlarmFacts,
  EndpointFacts,
  EtcdInspector,
  LeaseFacts,
  RawKey,
} from '../../etcd/etcd-inspector.ts'
import { rpcRoot } from '../../registry/service-key.ts'

/** What `doctor` looks at, at most: a registry of any size is no burden to etcd. */
export const most = { keys: 10_000, leases: 1000 } as const

/** Something that etcd did not tell; without the keys nobody can tell which leases matter. */
export interface Unread {
  readonly what: 'alarms' | 'keys' | 'leases'
  readonly code: UnansweredCode
  /** What was attempted and what came back, in English: for programs. */
  readonly reason: string
}

/** Everything that was looked at. */
export interface Examination extends LeasesSeen {
  /** Null when the keys could not be read. */
  readonly revision: string | null
  /** Keys under /rpc/ that were looked at, and how many there are. */
  readonly keys: readonly RawKey[]
  /** Null when they could not be read. */
  readonly keyCount: number | null
  readonly alarms: readonly AlarmFacts[]
  readonly endpoints: readonly EndpointFacts[]
  readonly unread: readonly Unread[]
}

interface LeasesSeen {
  /** Leases that were asked, those of the keys first, and how many there are. */
  readonly leases: readonly LeaseFacts[]
  /** Null when they could not be read. */
  readonly leaseCount: number | null
  /** Keys whose lease etcd does not know, although both were asked again. */
  readonly strayKeys: readonly RawKey[]
}

/** What etcd says to a question; `failure` when it does not answer. */
type Reply<T> =
  | { readonly answer: T; readonly failure: null }
  | { readonly answer: null; readonly failure: Omit<Unread, 'what'> }

const unansweredCodes = ['UNAVAILABLE', 'TIMEOUT', 'QUORUM_LOST'] as const

/** Why nobody answered. */
export type UnansweredCode = (typeof unansweredCodes)[number]

const noLeases: LeasesSeen = { leases: [], leaseCount: null, strayKeys: [] }

/**
 * Asks etcd, and changes nothing. What nobody answers, for want of a quorum, is left unread. When
 * `signal` aborts it rejects and asks nothing more.
 */
export async function examine(inspector: EtcdInspector, signal: AbortSignal): Promise<Examination> {
  const [endpoints, alarms, range] = await Promise.all([
    inspector.endpoints(),
    ask(inspector.alarms({ signal })),
    ask(inspector.keys(rpcRoot, { limit: most.keys, signal })),
  ])
  const keys = range.answer?.keys ?? []
  const seen = await ask(
    range.answer === null ? Promise.resolve(noLeases) : examineLeases(inspector, keys, signal),
  )
  return {
    revision: range.answer?.revision ?? null,
    keys,
    keyCount: range.answer?.count ?? null,
    ...(seen.answer ?? noLeases),
    alarms: alarms.answer ?? [],
    endpoints,
    unread: [
      ...unreadOf('alarms', alarms.failure),
      ...unreadOf('keys', range.failure),
      ...unreadOf('leases', seen.failure),
    ],
  }
}

async function ask<T>(question: Promise<T>): Promise<Reply<T>> {
  try {
    return { answer: await question, failure: null }
  } catch (error) {
    const { code, message } = toLabError(error)
    if (!isUnanswered(code)) throw error
    return { answer: null, failure: { code, reason: message } }
  }
}

function isUnanswered(code: ErrorCode): code is UnansweredCode {
  return unansweredCodes.some((each) => each === code)
}

function unreadOf(what: Unread['what'], failure: Omit<Unread, 'what'> | null): readonly Unread[] {
  return failure === null ? [] : [{ what, ...failure }]
}

async function examineLeases(
  inspector: EtcdInspector,
  keys: readonly RawKey[],
  signal: AbortSignal,
): Promise<LeasesSeen> {
  const used = [...new Set(keys.map(({ lease }) => lease))].filter((lease) => lease !== '0')
  // Asked after the keys, so the lease of every key that is there by then is among them.
  const known = new Set([...used, ...(await inspector.leaseIds({ signal }))])
  const asked = [...known].slice(0, most.leases)
  const leases = await inspector.findLeases(asked, { signal })
  const missing = new Set(asked)
  for (const { id } of leases) missing.delete(id)
  const suspects = keys.filter(({ lease }) => missing.has(lease))
  return {
    leases,
    leaseCount: known.size - missing.size,
    strayKeys: await stillThere(inspector, suspects, signal),
  }
}

/**
 * A lease that expired between two questions took its keys along; that is no fault. One question
 * for all of them, however many there are.
 */
async function stillThere(
  inspector: EtcdInspector,
  suspects: readonly RawKey[],
  signal: AbortSignal,
): Promise<readonly RawKey[]> {
  if (suspects.length === 0) return []
  const { keys } = await inspector.keys(rpcRoot, { limit: most.keys, signal })
  const now = new Map(keys.map(({ key, modRevision }) => [bytesOf(key), modRevision]))
  return suspects.filter(({ key, modRevision }) => now.get(bytesOf(key)) === modRevision)
}

/** A key need not be text; this tells any two apart. */
function bytesOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}
