import type { Clock } from '../clock.ts'

export interface BucketOptions {
  /** What may be taken at once. */
  readonly burst: number
  readonly perSecond: number
  readonly clock: Clock
}

/** Allows a rate on average and a burst above it. */
export interface TokenBucket {
  /** Takes `amount` if it is there. */
  tryTake(amount: number): boolean
  /** Takes `amount` in any case; returns the milliseconds after which the debt is paid. */
  take(amount: number): number
  /** Milliseconds until one can be taken. */
  waitMs(): number
}

export function createTokenBucket({ burst, perSecond, clock }: BucketOptions): TokenBucket {
  let level = burst
  let at = clock.now()
  const refill = () => {
    const now = clock.now()
    level = Math.min(burst, level + ((now - at) / 1000) * perSecond)
    at = now
  }
  const debtMs = (needed: number) => Math.max(0, Math.ceil(((needed - level) / perSecond) * 1000))
  return {
    tryTake(amount) {
      refill()
      if (level < amount) return false
      level -= amount
      return true
    },
    take(amount) {
      refill()
      level -= amount
      return debtMs(0)
    },
    waitMs() {
      refill()
      return debtMs(1)
    },
  }
}
