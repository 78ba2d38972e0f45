import type { Balancer, Candidate } from './balancer.ts'

/**
 * One after another in the order of their addresses, whatever they weigh. It goes on from the
 * address it chose last, so an instance that comes or goes does not start the round again. Retries
 * go round by themselves: the others keep their turns, and what a dead instance leaves undone is
 * spread over all that live instead of falling to the one behind it.
 */
export function createRoundRobin(): Balancer {
  const calls = createRound()
  const retries = createRound()
  return (candidates, isRetry) => (isRetry ? retries : calls)(candidates)
}

function createRound(): (candidates: readonly Candidate[]) => Candidate | null {
  let last = ''
  return (candidates) => {
    const ring = candidates.toSorted((a, b) => (a.address < b.address ? -1 : 1))
    const next = ring.find(({ address }) => address > last) ?? ring[0] ?? null
    if (next !== null) last = next.address
    return next
  }
}
