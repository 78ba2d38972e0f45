import type { CallOutcome } from '../../providers/provider-control.ts'
import type { Attempt } from './call-once.ts'

/** What became of all calls of one command. */
export interface CallTally {
  readonly calls: number
  readonly answered: number
  readonly failed: number
  readonly retried: number
  /** Answers by provider, in the order of their first. */
  readonly byProvider: ReadonlyMap<string, number>
  /** A call may have been carried out although no answer came. */
  readonly uncertain: boolean
  /**
   * Nothing has answered yet, and a call found nobody, or an address that is none of this lab's
   * providers.
   */
  readonly lackedProvider: boolean
}

export const noCalls: CallTally = {
  calls: 0,
  answered: 0,
  failed: 0,
  retried: 0,
  byProvider: new Map(),
  uncertain: false,
  lackedProvider: false,
}

export function addCall(tally: CallTally, attempts: readonly Attempt[]): CallTally {
  const outcomes = attempts.map(({ outcome }) => outcome)
  const last = outcomes.at(-1)
  const answered = last?.kind === 'answered'
  const answers = tally.answered + (answered ? 1 : 0)
  const byProvider = new Map(tally.byProvider)
  if (answered) byProvider.set(last.provider, (byProvider.get(last.provider) ?? 0) + 1)
  return {
    calls: tally.calls + 1,
    answered: answers,
    failed: tally.failed + (answered ? 0 : 1),
    retried: tally.retried + (attempts.length > 1 ? 1 : 0),
    byProvider,
    uncertain: tally.uncertain || outcomes.some(({ kind }) => kind === 'late' || kind === 'broken'),
    lackedProvider: answers === 0 && (tally.lackedProvider || foundNoProvider(outcomes)),
  }
}

function foundNoProvider(outcomes: readonly CallOutcome[]): boolean {
  return outcomes.length === 0 || outcomes.some(({ kind }) => kind === 'stranger')
}
