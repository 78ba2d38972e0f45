import { expect, test } from 'vitest'
import type { CallOutcome } from '../../providers/provider-control.ts'
import { addCall, noCalls } from './call-tally.ts'

const answered = (provider: string): CallOutcome => ({
  kind: 'answered',
  provider,
  count: 1,
  ms: 1,
})
const late: CallOutcome = { kind: 'late', provider: 'p1', ms: 1000 }

function tally(...calls: readonly (readonly CallOutcome[])[]) {
  return calls.reduce(
    (sum, outcomes) =>
      addCall(
        sum,
        outcomes.map((outcome) => ({ address: 'a', outcome })),
      ),
    noCalls,
  )
}

test('answers, failures and retries are counted, answers by provider', () => {
  const all = tally(
    [answered('p2')],
    [late, answered('p1')],
    [late],
    [late, late],
    [],
    [answered('p2')],
  )
  expect(all).toMatchObject({ calls: 6, answered: 3, failed: 3, retried: 2 })
  expect([...all.byProvider]).toEqual([
    ['p2', 2],
    ['p1', 1],
  ])
})

test('what may have been carried out without an answer is remembered', () => {
  expect(tally([{ kind: 'refused', provider: 'p1', ms: 1 }]).uncertain).toBe(false)
  expect(tally([late, answered('p2')], [answered('p2')]).uncertain).toBe(true)
  expect(tally([{ kind: 'broken', provider: 'p1', ms: 1 }]).uncertain).toBe(true)
})

test('a missing provider is remembered until one answers, an ended one is none', () => {
  const stranger: CallOutcome = { kind: 'stranger' }
  expect(tally([{ kind: 'gone', provider: 'p1' }]).lackedProvider).toBe(false)
  expect(tally([]).lackedProvider).toBe(true)
  expect(tally([stranger], [late]).lackedProvider).toBe(true)
  expect(tally([stranger, answered('p1')]).lackedProvider).toBe(false)
  expect(tally([], [answered('p1')], [stranger]).lackedProvider).toBe(false)
})
