import { expect, test, vi } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { createIdleTimer } from './idle-timer.ts'

const minute = 60_000

function setUp() {
  const clock = createManualClock()
  const [onChange, onExpired] = [vi.fn(), vi.fn()]
  const timer = createIdleTimer({ idleMs: 30 * minute, clock, onChange, onExpired })
  return { clock, onChange, onExpired, timer }
}

test('runs out after the idle time', () => {
  const { clock, onExpired, timer } = setUp()
  timer.restart()
  clock.advance(30 * minute - 1)
  expect(onExpired).not.toHaveBeenCalled()
  clock.advance(1)
  expect(onExpired).toHaveBeenCalledOnce()
})

test('starts again at each action', () => {
  const { clock, onExpired, timer } = setUp()
  timer.restart()
  clock.advance(29 * minute)
  timer.restart()
  expect(timer.leftMs()).toBe(30 * minute)
  clock.advance(29 * minute)
  expect(onExpired).not.toHaveBeenCalled()
  expect(timer.leftMs()).toBe(minute)
})

test('tells at the start, five minutes before the end, and when the end has moved', () => {
  const { clock, onChange, timer } = setUp()
  timer.restart()
  expect(onChange).toHaveBeenCalledTimes(1)
  clock.advance(1000)
  timer.restart()
  expect(onChange, 'a second more is not worth a message').toHaveBeenCalledTimes(1)
  clock.advance(25 * minute)
  expect(onChange).toHaveBeenCalledTimes(2)
  timer.restart()
  expect(onChange).toHaveBeenCalledTimes(3)
})

test('does nothing once stopped', () => {
  const { clock, onExpired, timer } = setUp()
  timer.restart()
  timer.stop()
  clock.advance(60 * minute)
  expect(onExpired).not.toHaveBeenCalled()
  expect(clock.waiting()).toBe(0)
})
