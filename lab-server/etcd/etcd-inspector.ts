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

/**
 * What is etcd's own and must not hide behind a generic registry, because hiding etcd would hide
 * the lesson. Errors are `LabError`, as for Registry.
 */
export interface EtcdInspector {
  keys(
    prefix: string,
    options?: { limit?: number },
  ): Promise<{
    readonly keys: readonly RawKey[]
    readonly count: number
    readonly revision: string
  }>
  leases(): Promise<readonly LeaseFacts[]>
  lease(id: string): Promise<LeaseFacts>
}
