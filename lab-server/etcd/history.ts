/**
 * Tells when a cluster is not the one that was followed: another cluster behind the same address,
 * or the same one restored from an older copy of its data. Pure.
 *
 * What cannot be told from here: a restored cluster that keeps its id and in which, before anybody
 * looks, more has happened than in the whole history that was followed; to whoever may not ask for
 * Status, as many elections and revisions.
 */

/** The furthest that has been seen of one history. Within it no number goes back. */
export interface HistoryMark {
  /** Decimal; null before the first answer. */
  readonly clusterId: string | null
  readonly revision: bigint
  /** Of the last entry that a member has applied. A restored cluster begins anew with it. */
  readonly term: bigint
  /** A restored cluster counts it anew from its members, whatever revision it keeps. */
  readonly raftIndex: bigint
}

/** What an answer says of the history that it comes from, as etcd3's stubs give it. */
export interface HistoryHeader {
  readonly cluster_id: string
  readonly revision: string
  /** "0" from a member that has applied nothing but a snapshot since it was started. */
  readonly raft_term: string
  /** Only Status tells it, and not to everybody. */
  readonly raftIndex?: string
}

/**
 * - `other-cluster`: another id.
 * - `behind`: an earlier revision, term or index. A member may say so while it catches up; once it is up
 *   to date it is of another history.
 */
export type Suspicion = 'other-cluster' | 'behind'

/** Nothing is known but the last revision that was delivered. */
export function startMark(revision: bigint): HistoryMark {
  return { clusterId: null, revision, term: 0n, raftIndex: 0n }
}

export function suspectHistory(mark: HistoryMark, header: HistoryHeader): Suspicion | null {
  if (mark.clusterId !== null && header.cluster_id !== mark.clusterId) return 'other-cluster'
  if (BigInt(header.revision) < mark.revision) return 'behind'
  const { raft_term, raftIndex } = header
  if (raft_term !== '0' && BigInt(raft_term) < mark.term) return 'behind'
  return raftIndex !== undefined && BigInt(raftIndex) < mark.raftIndex ? 'behind' : null
}

/** The mark after an answer of the same history. */
export function advanceMark(mark: HistoryMark, header: HistoryHeader): HistoryMark {
  return {
    clusterId: header.cluster_id,
    revision: larger(mark.revision, BigInt(header.revision)),
    term: larger(mark.term, BigInt(header.raft_term)),
    raftIndex: larger(mark.raftIndex, BigInt(header.raftIndex ?? 0)),
  }
}

function larger(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
