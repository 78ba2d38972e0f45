import type { Clock } from '../../lab-server/clock.ts'

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  /** Moves on and calls what is due, in order. */
  advance(ms: number): void
  /** Timers that wait. */
  waiting(): number
}

export function createManualClock(): ManualClock {
  let now = 0
  let timers: { readonly at: number; readonly action: () => void }[] = []
  const nextDue = (until: number) =>
    timers.filter((timer) => timer.at <= until).sort((left, right) => left.at - right.at)[0]
  return {
    now: () => now,
    after(ms, action) {
      const timer = { at: now + ms, action }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(ms) {
      const until = now + ms
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        const { at, action } = due
        timers = timers.filter((other) => other !== due)
        now = Math.max(now, at)
        action()
      }
      now = until
    },
    waiting: () => timers.length,
  }
}
