import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks until `look` answers true. Anything else it answers, and anything it throws, is what the
 * error shows when the limit (default 15 s) has passed.
 */
export async function waitFor(
  what: string,
  look: () => true | string | Promise<true | string>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const { timeoutMs = 15_000, everyMs = 20 } = options
  const end = performance.now() + timeoutMs
  let last = 'nothing yet'
  while (performance.now() < end) {
    try {
      const answer = await look()
      if (answer === true) return
      last = answer
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await delay(everyMs)
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${last}`)
}
