const firstMs = 200
const longestMs = 10_000

/**
 * How long to wait before attempt number `attempt` (0 = the first, which does not wait). Full
 * jitter: anything up to a ceiling that doubles, so that a thousand providers which lost their keys
 * at the same instant do not all come back at the same instant.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  if (attempt === 0) return 0
  return random() * Math.min(firstMs * 2 ** Math.min(attempt - 1, 16), longestMs)
}
