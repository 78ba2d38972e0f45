import type {
  ICompare,
  IDeleteRangeRequest,
  IDeleteRangeResponse,
  IKeyValue,
  IPutRequest,
  IPutResponse,
  IRangeRequest,
  IRangeResponse,
  IRequestOp,
  IResponseHeader,
  IResponseOp,
  ITxnRequest,
  ITxnResponse,
} from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import type {
  AnswerHeader,
  Bytes,
  Compare,
  DeleteAnswer,
  DeleteRequest,
  KeyRange,
  PutAnswer,
  PutRequest,
  RangeAnswer,
  RangeRequest,
  TxnAnswer,
  TxnOperation,
  TxnRequest,
  TxnResult,
} from './etcd-calls.ts'
import type { RawKey } from './etcd-inspector.ts'

/** etcd prints ids as unpadded hexadecimal. */
export function hexadecimalId(decimal: string): string {
  return BigInt(decimal).toString(16)
}

export function toBuffer(bytes: Bytes): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** etcd's way to say "without an end". */
const noEnd = Buffer.from([0])

/** The first key after every key that begins with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix)
  for (let at = end.length - 1; at >= 0; at -= 1) {
    const byte = end[at] ?? 0xff
    if (byte === 0xff) continue
    end[at] = byte + 1
    return end.subarray(0, at + 1)
  }
  return noEnd
}

export function toKeyRange(range: KeyRange): { key: Buffer; range_end?: Buffer } {
  if ('key' in range) return { key: toBuffer(range.key) }
  if ('from' in range) return { key: toBuffer(range.from), range_end: toBuffer(range.to) }
  const prefix = toBuffer(range.prefix)
  return { key: prefix.length === 0 ? noEnd : prefix, range_end: prefixEnd(prefix) }
}

export function toRange(request: RangeRequest): IRangeRequest {
  return {
    ...toKeyRange(request),
    limit: request.limit ?? 0,
    revision: request.revision ?? '0',
    serializable: request.serializable ?? false,
    keys_only: request.keysOnly ?? false,
    count_only: request.countOnly ?? false,
  }
}

export function toPut(request: PutRequest): IPutRequest {
  return {
    key: toBuffer(request.key),
    value: toBuffer(request.value),
    lease: request.lease ?? '0',
    prev_kv: request.prevKv ?? false,
  }
}

export function toDelete(request: DeleteRequest): IDeleteRangeRequest {
  return { ...toKeyRange(request), prev_kv: request.prevKv ?? false }
}

export function toTxn(request: TxnRequest): ITxnRequest {
  return {
    compare: request.compare.map(toCompare),
    success: request.success.map(toOperation),
    failure: (request.failure ?? []).map(toOperation),
  }
}

const comparisons = { '=': 'Equal', '!=': 'NotEqual', '<': 'Less', '>': 'Greater' } as const

function toCompare(compare: Compare): ICompare {
  const common = { key: toBuffer(compare.key), result: comparisons[compare.is] }
  switch (compare.target) {
    case 'version':
      return { ...common, target: 'Version', version: compare.value }
    case 'create':
      return { ...common, target: 'Create', create_revision: compare.value }
    case 'mod':
      return { ...common, target: 'Mod', mod_revision: compare.value }
    case 'lease':
      return { ...common, target: 'Lease', lease: compare.value }
    case 'value':
      return { ...common, target: 'Value', value: toBuffer(compare.value) }
  }
}

function toOperation(operation: TxnOperation): IRequestOp {
  if ('put' in operation) return { request_put: toPut(operation.put) }
  if ('delete' in operation) return { request_delete_range: toDelete(operation.delete) }
  return { request_range: toRange(operation.range) }
}

export function fromHeader(header: IResponseHeader): AnswerHeader {
  return {
    clusterId: hexadecimalId(header.cluster_id),
    memberId: hexadecimalId(header.member_id),
    revision: header.revision,
    term: header.raft_term,
  }
}

export function fromKeyValue(kv: IKeyValue): RawKey {
  return {
    key: kv.key,
    value: kv.value,
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    version: kv.version,
    lease: kv.lease,
  }
}

/** The stubs give null, whatever their types say, where a message is absent. */
export function fromOptionalKeyValue(kv: IKeyValue | null | undefined): RawKey | null {
  return kv === null || kv === undefined ? null : fromKeyValue(kv)
}

export function fromRange(answer: IRangeResponse): RangeAnswer {
  return {
    header: fromHeader(answer.header),
    kvs: answer.kvs.map(fromKeyValue),
    count: Number(answer.count),
    more: answer.more,
  }
}

export function fromPut(answer: IPutResponse): PutAnswer {
  return { header: fromHeader(answer.header), prevKv: fromOptionalKeyValue(answer.prev_kv) }
}

export function fromDelete(answer: IDeleteRangeResponse): DeleteAnswer {
  return {
    header: fromHeader(answer.header),
    deleted: Number(answer.deleted),
    prevKvs: answer.prev_kvs.map(fromKeyValue),
  }
}

export function fromTxn(answer: ITxnResponse): TxnAnswer {
  return {
    header: fromHeader(answer.header),
    succeeded: answer.succeeded,
    results: answer.responses.map((response) => fromResult(response, answer.header)),
  }
}

/** Inside a Txn only the revision of a header is filled in, so the Txn's own stands for it. */
function fromResult(response: IResponseOp, header: IResponseHeader): TxnResult {
  const { response_range: range, response_put: put, response_delete_range: deleted } = response
  if (isPresent(range)) return { type: 'range', ...fromRange({ ...range, header }) }
  if (isPresent(put)) return { type: 'put', ...fromPut({ ...put, header }) }
  if (isPresent(deleted)) return { type: 'delete', ...fromDelete({ ...deleted, header }) }
  throw new LabError('INTERNAL', 'a Txn was answered with an operation that was not asked for')
}

function isPresent<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}
