import { createLeastPending } from './least-pending.ts'
import { createRoundRobin } from './round-robin.ts'
import { createWeightedRandom } from './weighted-random.ts'

/** An instance that may be called. */
export interface Candidate {
  /** `127.0.0.1:40123`. */
  readonly address: string
  /** Its share of the calls compared with the others'; not negative. */
  readonly weight: number
  /** Calls of this consumer that it has not answered yet. */
  readonly pending: number
}

/** Chooses whom to call next, or whom to ask again (`isRetry`); null when there is nobody. */
export type Balancer = (candidates: readonly Candidate[], isRetry: boolean) => Candidate | null

export const balancerNames = ['random', 'round-robin', 'least-pending'] as const
export type BalancerName = (typeof balancerNames)[number]

/** `random` is weighted. `draw` gives numbers from 0 up to, but not including, 1. */
export function createBalancer(name: BalancerName, draw: () => number = Math.random): Balancer {
  switch (name) {
    case 'random':
      return createWeightedRandom(draw)
    case 'round-robin':
      return createRoundRobin()
    case 'least-pending':
      return createLeastPending(draw)
  }
}
