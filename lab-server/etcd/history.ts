/**
 * Tells when a cluster is not the one that was followed: another cluster behind the same address,
 * or the same one restored from an older copy of its data. Pure.
 *
 * What cannot be told from here: a restored cluster that keeps its id and has already been written
 * past the revision that was followed. `etcdutl snapshot restore --bump-revision --mark-compacted`
 * exists for that (https://etcd.io/docs/v3.6/op-guide/recovery/); it shows as compaction.
 */

/** The furthest that has been seen of one history. Within it the revision never goes back. */
export interface HistoryMark {
  /** Decimal; null before the first answer. */
  readonly clusterId: string | null
  readonly revision: bigint
}

/** What an answer says of the history that it comes from, as etcd3's stubs give it. */
export interface HistoryHeader {
  readonly cluster_id: string
  readonly revision: string
}

/**
 * - `other-cluster`: another id.
 * - `behind`: an earlier revision. One member may say so while it catches up; a linearizable read
 *   that says so comes from another history.
 */
export type Suspicion = 'other-cluster' | 'behind'

/** Nothing is known but the last revision that was delivered. */
export function startMark(revision: bigint): HistoryMark {
  return { clusterId: null, revision }
}

export function suspectHistory(mark: HistoryMark, header: HistoryHeader): Suspicion | null {
  if (mark.clusterId !== null && header.cluster_id !== mark.clusterId) return 'other-cluster'
  return BigInt(header.revision) < mark.revision ? 'behind' : null
}

/** The mark after an answer of the same history. */
export function advanceMark(mark: HistoryMark, header: HistoryHeader): HistoryMark {
  const revision = BigInt(header.revision)
  return {
    clusterId: header.cluster_id,
    revision: revision > mark.revision ? revision : mark.revision,
  }
}
