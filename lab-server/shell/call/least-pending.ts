import type { Balancer } from './balancer.ts'

/** Whoever owes the fewest answers; among equals by chance, so that nobody gets all first calls. */
export function createLeastPending(draw: () => number): Balancer {
  return (candidates) => {
    const fewest = Math.min(...candidates.map(({ pending }) => pending))
    const idlest = candidates.filter(({ pending }) => pending === fewest)
    return idlest[Math.floor(draw() * idlest.length)] ?? null
  }
}
