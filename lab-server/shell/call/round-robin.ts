import type { Balancer } from './balancer.ts'

/**
 * One after another in the order of their addresses, whatever they weigh. It goes on from the
 * address it chose last, so an instance that comes or goes does not start the round again. A retry
 * goes to the next one without moving the round: the others keep their turns.
 */
export function createRoundRobin(): Balancer {
  let last = ''
  return (candidates, isRetry) => {
    const ring = candidates.toSorted((a, b) => (a.address < b.address ? -1 : 1))
    const next = ring.find(({ address }) => address > last) ?? ring[0] ?? null
    if (next !== null && !isRetry) last = next.address
    return next
  }
}
