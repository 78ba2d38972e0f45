import { expect, test } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { createTokenBucket } from './token-bucket.ts'

test('allows the burst, then the rate', () => {
  const clock = createManualClock()
  const bucket = createTokenBucket({ burst: 3, perSecond: 2, clock })
  expect([1, 1, 1, 1].map((amount) => bucket.tryTake(amount))).toEqual([true, true, true, false])
  expect(bucket.waitMs()).toBe(500)
  clock.advance(500)
  expect(bucket.tryTake(1)).toBe(true)
  expect(bucket.tryTake(1)).toBe(false)
})

test('never holds more than the burst', () => {
  const clock = createManualClock()
  const bucket = createTokenBucket({ burst: 3, perSecond: 2, clock })
  clock.advance(60_000)
  expect(bucket.tryTake(4)).toBe(false)
})

test('lends, and says when the debt is paid', () => {
  const clock = createManualClock()
  const bucket = createTokenBucket({ burst: 100, perSecond: 100, clock })
  expect(bucket.take(50)).toBe(0)
  expect(bucket.take(150)).toBe(1000)
  clock.advance(400)
  expect(bucket.take(0)).toBe(600)
  clock.advance(600)
  expect(bucket.take(0)).toBe(0)
})
