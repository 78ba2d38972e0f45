import { expect, test } from 'vitest'
import { pause } from './pause.ts'

test('a pause lasts its time, and says so', async () => {
  const start = performance.now()
  expect(await pause(30, new AbortController().signal)).toBe(true)
  expect(performance.now() - start).toBeGreaterThan(25)
})

test('a pause ends at once when it is no longer wanted, and does not begin after that', async () => {
  const stop = new AbortController()
  const paused = pause(60_000, stop.signal)
  stop.abort()
  expect(await paused).toBe(false)
  expect(await pause(60_000, stop.signal)).toBe(false)
})

test('a time that has passed already is no pause', async () => {
  expect(await pause(-5, new AbortController().signal)).toBe(true)
})
