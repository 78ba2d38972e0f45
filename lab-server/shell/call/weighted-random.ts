import type { Balancer } from './balancer.ts'

/** Each instance gets calls in proportion to its weight; where all weigh nothing, all the same. */
export function createWeightedRandom(draw: () => number): Balancer {
  return (candidates) => {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
    if (total === 0) return candidates[Math.floor(draw() * candidates.length)] ?? null
    let left = draw() * total
    for (const candidate of candidates) {
      left -= candidate.weight
      if (left < 0) return candidate
    }
    // Rounding may leave a crumb.
    return candidates.findLast(({ weight }) => weight > 0) ?? null
  }
}
