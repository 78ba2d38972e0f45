/** Time as the monitor sees it; a test brings its own. */
export interface Clock {
  /** Milliseconds that never go back; only differences mean something. */
  now(): number
  /** Epoch milliseconds. */
  epoch(): number
  /** Calls `action` once, `ms` from now. Returns the way to call it off. */
  after(ms: number, action: () => void): () => void
}

/** Timers do not keep the process alive: whoever waits for one has a reason of its own to live. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}

/** The epoch time of a past `now()`. Not by a fixed offset: the two part when the machine sleeps. */
export function epochOf(clock: Clock, monotonic: number): number {
  return clock.epoch() - (clock.now() - monotonic)
}
