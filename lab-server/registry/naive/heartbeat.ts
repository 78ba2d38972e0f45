import { LabError } from '../../../protocol/index.ts'
import { type Clock, systemClock } from '../../clock.ts'

/** A clock that also knows the time of day. */
export interface WallClock extends Clock {
  /** Epoch milliseconds. */
  epoch(): number
}

export const wallClock: WallClock = { ...systemClock, epoch: () => Date.now() }

export interface HeartbeatOptions {
  readonly periodMs: number
  readonly clock: WallClock
  /** Beats at :00, :10, :20 of the wall clock, as a cron expression does; else with jitter. */
  readonly aligned: boolean
  /** Starts a beat although the one before has not ended. */
  readonly overlapping: boolean
  /** Of those that overlap, at once; the next is left out. Absent = any number. */
  readonly mostBeats?: number
  /** A beat was left out. */
  readonly onLeftOut?: () => void
  /** Never rejects. */
  readonly beat: () => Promise<void>
}

/** Beats until the returned function is called. */
export function startHeartbeat(options: HeartbeatOptions): () => void {
  const { clock, overlapping, mostBeats = Infinity, beat } = options
  const nextDelay = options.aligned ? alignedDelays(options) : jitteredDelays(options)
  let isStopped = false
  let underWay = 0
  let callOff = () => {}
  const schedule = () => {
    if (!isStopped) callOff = clock.after(nextDelay(), tick)
  }
  const tick = () => {
    if (underWay >= mostBeats) {
      options.onLeftOut?.()
      schedule()
      return
    }
    underWay += 1
    const beating = beat()
    void beating.then(() => (underWay -= 1))
    if (overlapping) schedule()
    else void beating.then(schedule)
  }
  schedule()
  return () => {
    isStopped = true
    callOff()
  }
}

/** A timer may fire a little early: what counts is the next boundary, not the time that is left. */
function alignedDelays({ periodMs, clock }: HeartbeatOptions): () => number {
  let last = 0
  return () => {
    const now = clock.epoch()
    last = Math.max(Math.floor(now / periodMs) * periodMs, last) + periodMs
    return Math.max(last - now, 0)
  }
}

/** Anywhere in the first period, then a little sooner than the period each time. */
function jitteredDelays({ periodMs }: HeartbeatOptions): () => number {
  let share = () => Math.random()
  return () => {
    const delay = periodMs * share()
    share = () => 0.8 + 0.2 * Math.random()
    return delay
  }
}

/** The one scheduler that all registries of a Java process share (fault 18). */
export class ProcessScheduler {
  #started = false

  /** Throws `CONFIG` for the second registry. */
  start(): void {
    if (this.#started)
      throw new LabError('CONFIG', 'the scheduler of this process has been started already')
    this.#started = true
  }

  stop(): void {
    this.#started = false
  }
}
