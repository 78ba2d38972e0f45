import { expect, test } from 'vitest'
import { findSeries, formatValue, quantile } from './measurements.ts'

test('a quantile is one of the samples, whatever their order', () => {
  const samples = [5, 1, 4, 2, 3]
  expect([0, 0.5, 0.9, 1].map((share) => quantile(samples, share))).toEqual([1, 3, 5, 5])
  expect(samples).toEqual([5, 1, 4, 2, 3])
})

test('a series without samples has no quantile', () => {
  expect(() => quantile([], 0.5)).toThrow('no quantiles')
})

test.each([
  [0.81, 'ms', '0.8 ms'],
  [42.4, 'ms', '42 ms'],
  [1306.65, 'ms', '1.31 s'],
  [13.32, 's', '13.3 s'],
] as const)('%d %s is shown as %s', (value, unit, text) => {
  expect(formatValue(value, unit)).toBe(text)
})

test('a series that was not measured is an error, not a blank', () => {
  expect(() => findSeries('nothing')).toThrow('"nothing"')
})
