/** Time as the server sees it; a test brings its own. */
export interface Clock {
  /** Milliseconds; only differences mean something. Never goes back. */
  now(): number
  /** Calls `action` once, `ms` from now. Returns the way to call it off. */
  after(ms: number, action: () => void): () => void
}

/** Timers do not keep the process alive: whoever waits for one has a reason of its own to live. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
