/** What one registration that is wanted is to do next; a released one is removed by registration-state.ts. */

/** A key as it was last seen; null = it is not there. */
export type SeenKey = {
  readonly modRevision: string
  /** Decimal; "0" = none. */
  readonly lease: string
  readonly value: string
} | null

export interface HeldLease {
  /** Decimal. */
  readonly id: string
  /** The TTL that was asked for it, seconds. */
  readonly askedTtl: number
  /** It is to be left for another one. */
  readonly isRetired: boolean
}

export interface Situation {
  /** The desired state, kept in memory and never read back from etcd. */
  readonly wanted: { readonly value: string; readonly ttlSeconds: number }
  /** Held now; null = none, or lost. */
  readonly lease: HeldLease | null
  /** True while leases of an earlier TTL are still held. */
  readonly holdsFormer: boolean
  /** Every lease this registration has lately put the key on, lost ones included. */
  readonly ownLeases: readonly string[]
  readonly key: SeenKey
  /** The caller has just asked for this key: take it over from whoever holds it. */
  readonly claim: boolean
}

/**
 * - `join`: get a lease of the wanted TTL, another one than a retired one.
 * - `put`: write the wanted value under the lease, if the key is still as it was seen.
 * - `leave-former`: give up the leases that the key has left.
 * - `yield`: someone else keeps the key alive under their own lease; wait until it is gone.
 * - `rest`: everything is as wanted.
 */
export type Step = 'join' | 'put' | 'leave-former' | 'yield' | 'rest'

export function planStep(now: Situation): Step {
  const { wanted, lease, key } = now
  if (lease?.askedTtl !== wanted.ttlSeconds || lease.isRetired) return 'join'
  if (isForeign(now) && !now.claim) return now.holdsFormer ? 'leave-former' : 'yield'
  if (key?.lease !== lease.id || key.value !== wanted.value) return 'put'
  return now.holdsFormer ? 'leave-former' : 'rest'
}

/**
 * A key under somebody's living lease. Two owners that both insist would overwrite each other for
 * ever, so the later one has it. A value without a lease is nobody's: it would never expire.
 */
function isForeign({ key, ownLeases }: Situation): boolean {
  return key !== null && key.lease !== '0' && !ownLeases.includes(key.lease)
}
