import type { Clock } from '../clock.ts'

export interface IdleTimerOptions {
  readonly idleMs: number
  readonly clock: Clock
  /** The time left is no longer what was told before, or is about to run out. */
  readonly onChange: () => void
  readonly onExpired: () => void
}

/** Runs out when its owner does nothing for a while. Does not run before the first `restart`. */
export interface IdleTimer {
  restart(): void
  leftMs(): number
  stop(): void
}

/** A change of the deadline by less than this is not told: pages count down by themselves. */
const tellAfterMs = 5000
/** Pages are told again when this much is left (or half of it all, where that is less). */
const warnMs = 5 * 60_000

export function createIdleTimer(options: IdleTimerOptions): IdleTimer {
  const { idleMs, clock } = options
  const warnBefore = Math.min(warnMs, idleMs / 2)
  let endsAt = clock.now() + idleMs
  let toldEnd = Number.NEGATIVE_INFINITY
  let cancel: readonly (() => void)[] = []
  const stop = () => {
    for (const one of cancel) one()
    cancel = []
  }
  return {
    restart() {
      stop()
      endsAt = clock.now() + idleMs
      cancel = [
        clock.after(idleMs - warnBefore, options.onChange),
        clock.after(idleMs, options.onExpired),
      ]
      if (endsAt - toldEnd < Math.min(tellAfterMs, idleMs / 10)) return
      toldEnd = endsAt
      options.onChange()
    },
    leftMs: () => Math.max(0, Math.round(endsAt - clock.now())),
    stop,
  }
}
