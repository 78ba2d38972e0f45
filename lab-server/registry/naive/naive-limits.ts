import { LabError } from '../../../protocol/index.ts'

/** What one naive registry may have under way, where somebody else pays for it. */
export interface NaiveLimits {
  /** Calls that wait for an answer; no caller's end ends them (fault 14). */
  readonly calls: number
  /** Beats that have not ended when the next begins (fault 18). */
  readonly beats: number
  /** Keys and prefixes that are watched, for good (fault 7). */
  readonly watches: number
}

/** Of a lab: more than any fault needs to show, and no burden to the server. */
export const labLimits: NaiveLimits = { calls: 64, beats: 8, watches: 200 }

export interface NaiveLimitFacts {
  readonly what: keyof NaiveLimits
  readonly max: number
}

export function limitReached(what: keyof NaiveLimits, max: number): LabError {
  const facts: NaiveLimitFacts = { what, max }
  const message = `the naive registry may not have more than ${String(max)} ${what} at once`
  return new LabError('NAIVE_LIMIT', message, { details: { ...facts } })
}

/** The way back from the `details` of the error; null for those of another. */
export function readLimitReached({ what, max }: LabError['details']): NaiveLimitFacts | null {
  const isKnown = what === 'calls' || what === 'beats' || what === 'watches'
  return isKnown && typeof max === 'number' ? { what, max } : null
}
