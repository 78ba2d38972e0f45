import type { LabError } from '../../protocol/index.ts'
import type { MemberAnswer } from './etcd-member.ts'

/** A key as etcd stores it. int64 as decimal strings. */
export interface RawKey {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly createRevision: string
  readonly modRevision: string
  readonly version: string
  readonly lease: string
}

export interface LeaseFacts {
  /** Decimal; etcdctl prints the same number in hexadecimal. */
  readonly id: string
  /** TTL that was granted, seconds. */
  readonly grantedTtl: number
  /** Remaining seconds, -1 = expired or unknown. */
  readonly remaining: number
  readonly keys: readonly string[]
}

/** Ends the questions under way, and asks none that remain: the call rejects with `INTERRUPTED`. */
interface Interruption {
  readonly signal?: AbortSignal
}

/**
 * What is etcd's own and must not hide behind a generic registry, because hiding etcd would hide
 * the lesson. Errors are `LabError`, as for Registry.
 */
export interface EtcdInspector {
  keys(
    prefix: string,
    /** `revision`: as it was then; `COMPACTED` when etcd no longer has that. */
    options?: { limit?: number; revision?: string; signal?: AbortSignal },
  ): Promise<{
    readonly keys: readonly RawKey[]
    readonly count: number
    readonly revision: string
  }>
  /** One key and no other; null when it is not there. */
  key(key: string): Promise<{ readonly found: RawKey | null; readonly revision: string }>
  leases(): Promise<readonly LeaseFacts[]>
  lease(id: string): Promise<LeaseFacts>
  /** Ids of all leases (decimal) in one question, however many there are. */
  leaseIds(options?: Interruption): Promise<readonly string[]>
  /** Those of the leases that exist, a few questions at a time. */
  findLeases(ids: readonly string[], options?: Interruption): Promise<readonly LeaseFacts[]>
  /** Alarms that are raised now. */
  alarms(options?: Interruption): Promise<readonly AlarmFacts[]>
  /**
   * Every endpoint asked by itself, so that one that is silent shows. Never rejects, and takes no
   * longer than two seconds. Where authentication is enabled, newer members (3.5.30 for one) answer
   * only a user with the role root.
   */
  endpoints(): Promise<readonly EndpointFacts[]>
}

/** https://etcd.io/docs/latest/op-guide/maintenance/#space-quota */
export interface AlarmFacts {
  readonly alarm: 'NOSPACE' | 'CORRUPT'
  /** Hexadecimal. */
  readonly memberId: string
}

export interface EndpointFacts {
  readonly endpoint: string
  /** The member's own name; null when it did not tell. */
  readonly name: string | null
  /** Null when it did not tell; then `error` says why. */
  readonly answer: MemberAnswer | null
  /** `ETCD_REFUSED`: it answers, but tells its status to other users only, or to none. */
  readonly error: LabError | null
}
