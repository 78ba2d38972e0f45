/** One member asked directly, never through another. Values as etcd returns them, int64 as strings. */
export interface MemberAnswer {
  /** Hexadecimal, as etcdctl prints ids. */
  readonly memberId: string
  readonly clusterId: string
  /** Member id (hexadecimal) of whom it believes to be the leader; null when it knows none. */
  readonly leaderId: string | null
  readonly term: string
  readonly revision: string
  readonly raftIndex: string
  /** Bytes. */
  readonly dbSize: number
  readonly version: string
  readonly errors: readonly string[]
  /** Round trip, milliseconds. */
  readonly latencyMs: number
}

/**
 * A connection to exactly one member. Rejects with `LabError` `UNAVAILABLE` or `TIMEOUT`; never
 * retries, never waits longer than the deadline.
 */
export interface EtcdMember {
  status(options: { deadlineMs: number }): Promise<MemberAnswer>
  /**
   * A Txn with a Put behind a compare that never holds: it goes through Raft like any write and
   * moves no revision. Resolves with the round trip in milliseconds.
   */
  probeWrite(options: { deadlineMs: number }): Promise<number>
  /** Names by member id (hexadecimal), from this member's own view. */
  memberNames(options: { deadlineMs: number }): Promise<ReadonlyMap<string, string>>
  close(): void
}
