import type { Bounds } from './history.ts'

/** Of what is in these runs, seconds; some bounds are made of them. */
export const ttls = { provider: 6, process: 2 }
/** How long a followed view holds what a restored etcd does not know, seconds. */
export const guard = 10

/**
 * What every kind of fault may cost, in seconds; history.ts says what each number counts. The
 * checker knows no others, and the run shows them beside the worst that it has seen.
 *
 * 4 s to notice: a silent watch is given up after 2.2 s, and a busy machine doubles it. It may be
 * silent since the fault before, of a member that was killed or paused. 1 s missing where nobody
 * should be: the moment between a registration and the news of it.
 */
export const faultBounds = {
  'leader killed': { missing: 1, consumer: 4, provider: 4 },
  'leader paused': { missing: 1, consumer: 4, provider: 4 },
  'quorum lost': { missing: 1, consumer: 4, provider: 4 },
  'own member paused': { missing: 4, consumer: 4, provider: 4 },
  'history compacted while a consumer is cut off': { missing: 1, consumer: 4, provider: 4 },
  'all keys deleted': { missing: 4, consumer: 4, provider: 4 },
  'one key deleted': { missing: 4, consumer: 4, provider: 4 },
  'value overwritten without a lease': { missing: 1, consumer: 4, provider: 4 },
  'value made undecodable': { missing: 4, consumer: 4, provider: 4 },
  'lease revoked': { missing: 4, consumer: 4, provider: 4 },
  'authentication enabled': { missing: 4, consumer: 4, provider: 4 },
  'every token expired three times': { missing: 4, consumer: 4, provider: 4 },
  'certificates replaced': { missing: 4, consumer: 4, provider: 4 },
  'member replaced': { missing: 1, consumer: 4, provider: 4 },
  // Guarded until every provider is back; one that does not come holds it for the whole guard.
  'etcd restored from an older copy': { missing: 4, consumer: 4, provider: 4 },
  'disk quota reached': { missing: 4, consumer: 4, provider: 4 },
  // The key of the dead goes with its lease.
  'provider killed': { missing: 1, consumer: ttls.process + 4, provider: ttls.process + 4 },
  'provider frozen for longer than its TTL': {
    missing: 4,
    consumer: ttls.process + 4,
    provider: ttls.process + 4,
  },
  'provider released and another registered': { missing: 1, consumer: 4, provider: 4 },
} as const satisfies Record<string, Bounds>

export type FaultName = keyof typeof faultBounds
