import { setTimeout as delay } from 'node:timers/promises'

/** True after `ms`; false, at once, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(Math.max(ms, 0), undefined, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
