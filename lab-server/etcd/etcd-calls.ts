import type { RawKey } from './etcd-inspector.ts'

/** A key or a value. Text is UTF-8; answers always carry bytes. */
export type Bytes = string | Uint8Array

/** One key, every key that begins with a prefix ('' = all), or `from` ≤ key < `to`. */
export type KeyRange =
  | { readonly key: Bytes }
  | { readonly prefix: Bytes }
  | { readonly from: Bytes; readonly to: Bytes }

/** Who answered, and when in the life of the data. int64 as decimal strings. */
export interface AnswerHeader {
  /** Hexadecimal, as etcdctl prints ids. */
  readonly clusterId: string
  readonly memberId: string
  /** The store's revision when the request was applied. */
  readonly revision: string
  readonly term: string
}

export type RangeRequest = KeyRange & {
  /** 0 or absent = no limit. */
  readonly limit?: number
  /** Read the past; `COMPACTED` when it is gone. Absent = newest. */
  readonly revision?: string
  /** Answered by any member from its own data, possibly old, also without quorum. */
  readonly serializable?: boolean
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
}

export interface RangeAnswer {
  readonly header: AnswerHeader
  /** Ordered by key. */
  readonly kvs: readonly RawKey[]
  /** Keys in the range, whatever the limit. */
  readonly count: number
  readonly more: boolean
}

export interface PutRequest {
  readonly key: Bytes
  readonly value: Bytes
  /** Decimal; absent or "0" = no lease. `LEASE_LOST` when etcd does not know it. */
  readonly lease?: string
  readonly prevKv?: boolean
}

export interface PutAnswer {
  readonly header: AnswerHeader
  /** Null when there was none or it was not asked for. */
  readonly prevKv: RawKey | null
}

export type DeleteRequest = KeyRange & { readonly prevKv?: boolean }

export interface DeleteAnswer {
  readonly header: AnswerHeader
  readonly deleted: number
  /** Empty unless asked for. */
  readonly prevKvs: readonly RawKey[]
}

/** `value` is a decimal int64. A key that does not exist has version, create and mod "0". */
export type Compare =
  | {
      readonly key: Bytes
      readonly target: 'version' | 'create' | 'mod' | 'lease'
      readonly is: '=' | '!=' | '<' | '>'
      readonly value: string
    }
  | {
      readonly key: Bytes
      readonly target: 'value'
      readonly is: '=' | '!=' | '<' | '>'
      readonly value: Bytes
    }

export type TxnOperation =
  | { readonly range: RangeRequest }
  | { readonly put: PutRequest }
  | { readonly delete: DeleteRequest }

export interface TxnRequest {
  /** All must hold. Empty = always. */
  readonly compare: readonly Compare[]
  readonly success: readonly TxnOperation[]
  readonly failure?: readonly TxnOperation[]
}

export type TxnResult =
  | ({ readonly type: 'range' } & RangeAnswer)
  | ({ readonly type: 'put' } & PutAnswer)
  | ({ readonly type: 'delete' } & DeleteAnswer)

export interface TxnAnswer {
  readonly header: AnswerHeader
  /** True: `success` was executed, else `failure`. */
  readonly succeeded: boolean
  /** One for each operation, in order. */
  readonly results: readonly TxnResult[]
}

export interface LeaseGrant {
  readonly header: AnswerHeader
  /** Decimal. */
  readonly id: string
  /** Seconds; etcd raises what is below its minimum (1.5 × election timeout, rounded up). */
  readonly ttlSeconds: number
}

export interface LeaseTime {
  readonly header: AnswerHeader
  readonly id: string
  /** Granted, seconds; 0 when etcd does not know the lease. */
  readonly grantedTtl: number
  /** Remaining seconds; -1 when etcd does not know the lease. */
  readonly remaining: number
  readonly keys: readonly Uint8Array[]
}

export interface ClusterMember {
  /** Hexadecimal. */
  readonly id: string
  /** Empty while the member has never started. */
  readonly name: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly isLearner: boolean
}

/** What every call accepts. */
export interface CallOptions {
  /** Gives up at once; the call rejects with `INTERRUPTED`. What was sent may still take effect. */
  readonly signal?: AbortSignal
  /** For all attempts together, milliseconds. Default: the client's `deadlineMs`. */
  readonly deadlineMs?: number
}

export interface WatchEvent {
  readonly type: 'put' | 'delete'
  /** For a delete only `key` and `modRevision` (the revision of the deletion) mean something. */
  readonly kv: RawKey
  /** What was there before; null when nothing was, or when that revision has been compacted. */
  readonly prevKv: RawKey | null
}

/**
 * Everything up to and including `revision` has been delivered. `events` holds whole revisions, in
 * order; it is empty when etcd only said that nothing happened (progress).
 */
export interface WatchBatch {
  readonly revision: string
  readonly events: readonly WatchEvent[]
}

export type WatchRequest = KeyRange & {
  /** First revision wanted. Default: what comes after this call. */
  readonly fromRevision?: string
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal
}

export interface KeepAliveRequest {
  /** Decimal. */
  readonly id: string
  /** As granted; renewed every third of it. */
  readonly ttlSeconds: number
  /** Ends the renewing; the lease itself stays until it is revoked or expires. */
  readonly signal?: AbortSignal
  /** After every renewal that etcd confirmed. */
  readonly onRenewed?: (ttlSeconds: number) => void
  /** After every renewal that failed within its deadline; renewing goes on. */
  readonly onTrouble?: (error: Error) => void
}
