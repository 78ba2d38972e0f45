import { expect, test } from 'vitest'
import type { CallOutcome } from '../../providers/provider-control.ts'
import { callOnce } from './call-once.ts'

const answered = (provider: string): CallOutcome => ({
  kind: 'answered',
  provider,
  count: 1,
  ms: 1,
})

/** Instances in the order they are chosen, with what comes of asking them. */
function means(outcomes: Readonly<Record<string, CallOutcome>>) {
  const sent: string[] = []
  return {
    sent,
    choose: (tried: ReadonlySet<string>) =>
      Object.keys(outcomes).find((address) => !tried.has(address)) ?? null,
    send: (address: string) => {
      sent.push(address)
      return Promise.resolve(outcomes[address]!)
    },
  }
}

test('an answer ends the call', async () => {
  const to = means({ a: answered('p1'), b: answered('p2') })
  expect(await callOnce(to)).toEqual([{ address: 'a', outcome: answered('p1') }])
  expect(to.sent).toEqual(['a'])
})

test.each<CallOutcome>([
  { kind: 'stranger' },
  { kind: 'gone', provider: 'p1' },
  { kind: 'refused', provider: 'p1', ms: 1 },
  { kind: 'late', provider: 'p1', ms: 1000 },
  { kind: 'broken', provider: 'p1', ms: 1 },
])('$kind is tried once more, on another instance', async (outcome) => {
  const to = means({ a: outcome, b: answered('p2'), c: answered('p3') })
  const attempts = await callOnce(to)
  expect(attempts.map((attempt) => attempt.outcome)).toEqual([outcome, answered('p2')])
  expect(to.sent).toEqual(['a', 'b'])
})

test('there is no third attempt', async () => {
  const late = { kind: 'late', provider: 'p1', ms: 1000 } as const
  const to = means({ a: late, b: late, c: answered('p3') })
  expect(await callOnce(to)).toHaveLength(2)
  expect(to.sent).toEqual(['a', 'b'])
})

test('the same instance is not asked twice', async () => {
  const to = means({ a: { kind: 'refused', provider: 'p1', ms: 1 } })
  expect(await callOnce(to)).toHaveLength(1)
})

test('without an instance there is no attempt', async () => {
  expect(await callOnce(means({}))).toEqual([])
})
