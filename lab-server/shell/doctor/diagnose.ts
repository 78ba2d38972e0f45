import type { LabError } from '../../../protocol/index.ts'
import type { RawKey } from '../../etcd/etcd-inspector.ts'
import { decodeInstance } from '../../registry/codec.ts'
import { instanceKey, keyText, parseInstanceKey } from '../../registry/service-key.ts'
import { leaseIdToHex } from '../quantities.ts'
import type { Examination, Unread } from './examine.ts'

/** More keys than this make the end of a lease take noticeable time. */
export const fullLease = 1000

/** One thing that is not as it should be. Lease ids are hexadecimal, as etcdctl prints them. */
export type Finding =
  /** A key without a lease: when its provider dies, nobody removes it. */
  | { readonly kind: 'ghost'; readonly key: string; readonly bytes: Uint8Array }
  | {
      readonly kind: 'undecodable'
      readonly key: string
      readonly bytes: Uint8Array
      readonly reason: string
    }
  /** The key is not `/rpc/<service>:<version>/<host>:<port>`. */
  | { readonly kind: 'foreign-key'; readonly key: string; readonly bytes: Uint8Array }
  /** The value describes another instance than the key. */
  | {
      readonly kind: 'mismatch'
      readonly key: string
      readonly bytes: Uint8Array
      readonly valueKey: string
    }
  | {
      readonly kind: 'stray-key'
      readonly key: string
      readonly bytes: Uint8Array
      readonly lease: string
    }
  /** Expired, and still there: no leader has removed it yet. */
  | { readonly kind: 'overdue-lease'; readonly lease: string; readonly keys: number }
  | {
      readonly kind: 'orphan-lease'
      readonly lease: string
      readonly remaining: number
      readonly grantedTtl: number
    }
  | { readonly kind: 'full-lease'; readonly lease: string; readonly keys: number }
  | {
      readonly kind: 'alarm'
      readonly alarm: 'NOSPACE' | 'CORRUPT'
      readonly memberId: string
      readonly member: string | null
      readonly revision: string | null
    }
  | { readonly kind: 'silent-endpoint'; readonly endpoint: string; readonly reason: string }
  /** It answers, but tells its status to other users only. */
  | { readonly kind: 'refusing-endpoint'; readonly endpoint: string; readonly reason: string }
  /** No endpoint answers at all; it stands for everything that could be said of each. */
  | {
      readonly kind: 'unreachable'
      readonly endpoints: readonly string[]
      readonly reason: string
    }
  /** Nobody answered, so nobody knows what is wrong there. */
  | ({ readonly kind: 'unread' } & Unread)
  | { readonly kind: 'no-leader'; readonly endpoint: string; readonly member: string | null }

/** What of all that was seen is not as it should be; the worst first. */
export function diagnose(seen: Examination): readonly Finding[] {
  return [...diagnoseMembers(seen), ...diagnoseKeys(seen), ...diagnoseLeases(seen)]
}

/**
 * The one finding for an etcd that was named and does not answer: more likely than not it is
 * elsewhere. Null when anything answered.
 */
export function diagnoseReach({ endpoints, unread }: Examination): Finding | null {
  const answered = endpoints.some(({ answer, error }) => answer !== null || isRefusal(error))
  const keys = unread.find(({ what }) => what === 'keys')
  if (answered || keys === undefined) return null
  const [first] = endpoints
  return {
    kind: 'unreachable',
    endpoints: endpoints.map(({ endpoint }) => endpoint),
    reason: first?.error?.message ?? keys.reason,
  }
}

function diagnoseMembers({ alarms, endpoints, revision, unread }: Examination): Finding[] {
  const names = new Map(endpoints.map(({ answer, name }) => [answer?.memberId, name]))
  return [
    ...alarms.map(({ alarm, memberId }): Finding => {
      return { kind: 'alarm', alarm, memberId, member: names.get(memberId) ?? null, revision }
    }),
    ...endpoints.flatMap(({ endpoint, name, answer, error }): Finding[] => {
      if (answer === null) {
        const kind = isRefusal(error) ? 'refusing-endpoint' : 'silent-endpoint'
        return [{ kind, endpoint, reason: error?.message ?? '' }]
      }
      return answer.leaderId === null ? [{ kind: 'no-leader', endpoint, member: name }] : []
    }),
    ...unread.map((one): Finding => ({ kind: 'unread', ...one })),
  ]
}

function isRefusal(error: LabError | null): boolean {
  return error?.code === 'ETCD_REFUSED'
}

function diagnoseKeys({ keys, strayKeys }: Examination): Finding[] {
  const stray = new Set(strayKeys)
  return keys.flatMap((kv): Finding[] => {
    const named = { key: keyText(kv.key), bytes: kv.key }
    const lease = leaseIdToHex(kv.lease)
    return [
      ...(kv.lease === '0' ? [{ kind: 'ghost', ...named } as const] : []),
      ...(stray.has(kv) ? [{ kind: 'stray-key', ...named, lease } as const] : []),
      ...diagnoseContent(kv, named),
    ]
  })
}

function diagnoseContent(kv: RawKey, named: { key: string; bytes: Uint8Array }): Finding[] {
  if (parseInstanceKey(named.key) === null) return [{ kind: 'foreign-key', ...named }]
  const decoded = decodeInstance(kv.value)
  if (!decoded.ok) return [{ kind: 'undecodable', ...named, reason: decoded.reason }]
  const valueKey = instanceKey(decoded.value)
  return valueKey === named.key ? [] : [{ kind: 'mismatch', ...named, valueKey }]
}

function diagnoseLeases({ leases }: Examination): Finding[] {
  return leases.flatMap(({ id, remaining, grantedTtl, keys }): Finding[] => {
    const lease = leaseIdToHex(id)
    if (remaining < 0) return [{ kind: 'overdue-lease', lease, keys: keys.length }]
    if (keys.length === 0) return [{ kind: 'orphan-lease', lease, remaining, grantedTtl }]
    return keys.length > fullLease ? [{ kind: 'full-lease', lease, keys: keys.length }] : []
  })
}
