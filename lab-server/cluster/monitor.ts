import type { ClusterSnapshot, FaultAction, FaultRecord } from '../../protocol/index.ts'

/**
 * Asks every member for its Status and says who leads, in which term, at which revision, and how
 * long the cluster was without a leader after a fault. The only source of cluster facts.
 */
export interface ClusterMonitor {
  /** The latest snapshot; whole, immutable. */
  snapshot(): ClusterSnapshot
  /** Called with every new snapshot. While at least one listener exists, probe writes run. */
  watch(listener: (snapshot: ClusterSnapshot) => void): () => void
  /**
   * Resolves a member's name, `leader` or `follower` at this moment, by asking the members (not
   * from the last snapshot). Rejects `NO_SUCH_MEMBER`, `NO_LEADER` when no member leads, or
   * `ETCD_REFUSED` when the members that run refuse to say who does.
   */
  resolve(target: string): Promise<string>
  /**
   * Does `action` to `target` through the driver, and measures: Status of every survivor at least
   * every 10 ms for 10 s or until a new leader is known, probe writes alongside. Resolves when the
   * driver is done (process gone, paused or serving).
   */
  fault(action: FaultAction, target: string): Promise<FaultRecord>
  /** Resolves with the record once its measurement has ended (or `signal` aborts). */
  settled(faultId: number, signal?: AbortSignal): Promise<FaultRecord>
  /** Resolves when every running member names the same living leader. Rejects `TIMEOUT`. */
  waitForLeader(options: { timeoutMs: number; signal?: AbortSignal }): Promise<string>
  close(): Promise<void>
}
