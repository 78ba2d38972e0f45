import type {
  Bytes,
  Compare,
  DeleteAnswer,
  KeyRange,
  PutAnswer,
  RangeAnswer,
  TxnOperation,
  TxnRequest,
  TxnResult,
  WatchBatch,
} from './etcd-calls.ts'
import type { RawKey } from './etcd-inspector.ts'
import { prefixEnd, toBuffer } from './wire.ts'

/**
 * Puts a prefix before every key on the way to etcd and takes it away on the way back, so that
 * several users share one cluster without seeing each other's keys: what the package namespace of
 * etcd's own client does (https://pkg.go.dev/go.etcd.io/etcd/client/v3/namespace). Revisions, leases
 * and members are of the whole cluster. An empty prefix changes nothing.
 */
export class KeySpace {
  readonly #prefix: Buffer

  constructor(prefix: string) {
    this.#prefix = Buffer.from(prefix)
  }

  range(range: KeyRange): KeyRange {
    if ('key' in range) return { key: this.#into(range.key) }
    if ('prefix' in range) return { prefix: this.#into(range.prefix) }
    const to = toBuffer(range.to)
    // A zero byte is "without an end": here that is the end of this space.
    const endless = to.length === 1 && to[0] === 0
    return {
      from: this.#into(range.from),
      to: endless && this.#prefix.length > 0 ? prefixEnd(this.#prefix) : this.#into(to),
    }
  }

  /** Of a request that names one key. */
  request<T extends { readonly key: Bytes }>(request: T): T & { readonly key: Bytes } {
    return { ...request, key: this.#into(request.key) }
  }

  txn({ compare, success, failure = [] }: TxnRequest): TxnRequest {
    return {
      compare: compare.map((each): Compare => this.request(each)),
      success: success.map((each) => this.#operation(each)),
      failure: failure.map((each) => this.#operation(each)),
    }
  }

  rangeAnswer<T extends RangeAnswer>(answer: T): T {
    return { ...answer, kvs: answer.kvs.map((kv) => this.#outOf(kv)) }
  }

  putAnswer<T extends PutAnswer>(answer: T): T {
    return { ...answer, prevKv: this.#optional(answer.prevKv) }
  }

  deleteAnswer<T extends DeleteAnswer>(answer: T): T {
    return { ...answer, prevKvs: answer.prevKvs.map((kv) => this.#outOf(kv)) }
  }

  result(result: TxnResult): TxnResult {
    switch (result.type) {
      case 'range':
        return this.rangeAnswer(result)
      case 'put':
        return this.putAnswer(result)
      case 'delete':
        return this.deleteAnswer(result)
    }
  }

  batch(batch: WatchBatch): WatchBatch {
    const events = batch.events.map((event) => ({
      ...event,
      kv: this.#outOf(event.kv),
      prevKv: this.#optional(event.prevKv),
    }))
    return { ...batch, events }
  }

  /** Those of the keys that are in this space. */
  own(keys: readonly Uint8Array[]): Uint8Array[] {
    return keys.filter((key) => this.#holds(key)).map((key) => key.subarray(this.#prefix.length))
  }

  #operation(operation: TxnOperation): TxnOperation {
    if ('put' in operation) return { put: this.request(operation.put) }
    if ('delete' in operation) {
      return { delete: { ...operation.delete, ...this.range(operation.delete) } }
    }
    return { range: { ...operation.range, ...this.range(operation.range) } }
  }

  #holds(key: Uint8Array): boolean {
    return this.#prefix.equals(key.subarray(0, this.#prefix.length))
  }

  #into(key: Bytes): Buffer {
    return Buffer.concat([this.#prefix, toBuffer(key)])
  }

  #outOf(kv: RawKey): RawKey {
    return { ...kv, key: kv.key.subarray(this.#prefix.length) }
  }

  #optional(kv: RawKey | null): RawKey | null {
    return kv === null ? null : this.#outOf(kv)
  }
}
