import { type Clock as MonotonicClock, systemClock as monotonicClock } from '../clock.ts'

/** Time as the monitor sees it: it measures with one clock and tells pages of another. */
export interface Clock extends MonotonicClock {
  /** Epoch milliseconds. */
  epoch(): number
}

export const systemClock: Clock = { ...monotonicClock, epoch: () => Date.now() }

/** The epoch time of a past `now()`. Not by a fixed offset: the two part when the machine sleeps. */
export function epochOf(clock: Clock, monotonic: number): number {
  return clock.epoch() - (clock.now() - monotonic)
}
