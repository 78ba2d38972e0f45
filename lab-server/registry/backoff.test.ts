import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'

test('the first attempt does not wait, the next up to a ceiling that doubles to ten seconds', () => {
  const ceilings = [0, 1, 2, 3, 6, 7, 1000].map((attempt) => backoffMs(attempt, () => 1))
  expect(ceilings).toEqual([0, 200, 400, 800, 6400, 10_000, 10_000])
  expect(backoffMs(5, () => 0)).toBe(0)
  expect(backoffMs(2, () => 0.25)).toBe(100)
})
