import type { LabError } from '../../protocol/index.ts'

/** When a lease is renewed next, as pure functions: keep-alive.ts and the registry wait for it. */
export interface Renewal {
  /** As granted, seconds. */
  readonly ttlSeconds: number
  /** When the last renewal that etcd confirmed was asked for, milliseconds. */
  readonly renewedAt: number
  /** When to ask next, milliseconds. */
  readonly nextAt: number
  /** In a row. */
  readonly refusals: number
}

const shortestPauseMs = 200

/** A third of the TTL, up to a tenth earlier, so that many processes do not renew in step. */
export function startRenewal(ttlSeconds: number, at: number, random: () => number): Renewal {
  return { ttlSeconds, renewedAt: at, nextAt: at + spread(ttlSeconds, random), refusals: 0 }
}

/** After etcd confirmed what it was asked for at `askedAt`. */
export function afterSuccess(renewal: Renewal, askedAt: number, random: () => number): Renewal {
  return startRenewal(renewal.ttlSeconds, askedAt, random)
}

/**
 * After a renewal failed. An outage is asked about again at once; a refusal was an answer, and may
 * stand for long.
 */
export function afterFailure(renewal: Renewal, error: LabError, at: number): Renewal {
  const refusals = error.code === 'ETCD_REFUSED' ? renewal.refusals + 1 : 0
  const longestMs = (renewal.ttlSeconds * 1000) / 3
  const pauseMs = Math.min(shortestPauseMs * 2 ** Math.min(refusals, 16), longestMs)
  return { ...renewal, refusals, nextAt: at + pauseMs }
}

/** False when no renewal was confirmed for a whole TTL: etcd may have ended the lease. */
export function isFresh(renewal: Renewal, at: number): boolean {
  return at - renewal.renewedAt < renewal.ttlSeconds * 1000
}

function spread(ttlSeconds: number, random: () => number): number {
  return ((ttlSeconds * 1000) / 3) * (0.9 + random() / 10)
}
