import { expect, test } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { ProcessScheduler, startHeartbeat, type HeartbeatOptions } from './heartbeat.ts'

/** Runs a heartbeat for a minute from 12:00:03 on; the times of its beats, milliseconds. */
async function beatsOfAMinute(options: Partial<HeartbeatOptions>): Promise<number[]> {
  const manual = createManualClock()
  const clock = { ...manual, epoch: () => 12 * 3_600_000 + 3000 + manual.now() }
  const beats: number[] = []
  const stop = startHeartbeat({
    periodMs: 10_000,
    clock,
    aligned: false,
    overlapping: false,
    beat: () => {
      beats.push(manual.now())
      return Promise.resolve()
    },
    ...options,
  })
  for (let second = 0; second < 60; second += 1) {
    manual.advance(1000)
    await Promise.resolve()
  }
  stop()
  expect(manual.waiting()).toBe(0)
  return beats
}

test('an aligned heartbeat beats on the tens of the wall clock', async () => {
  const beats = await beatsOfAMinute({ aligned: true })
  expect(beats).toEqual([7000, 17_000, 27_000, 37_000, 47_000, 57_000])
})

test('one with jitter begins anywhere, and beats within the period', async () => {
  const beats = await beatsOfAMinute({})
  expect(beats[0]).toBeLessThan(10_000)
  const gaps = beats.slice(1).map((at, index) => at - (beats[index] ?? 0))
  for (const gap of gaps) {
    expect(gap).toBeGreaterThanOrEqual(8000)
    // It is scheduled when the beat has ended, on the next step of this clock.
    expect(gap).toBeLessThanOrEqual(11_000)
  }
})

test('a beat that does not end holds up the next, unless they may overlap', async () => {
  let started = 0
  const beat = () => {
    started += 1
    return new Promise<void>(() => {})
  }
  await beatsOfAMinute({ aligned: true, beat })
  expect(started).toBe(1)
  await beatsOfAMinute({ aligned: true, beat, overlapping: true })
  expect(started).toBe(1 + 6)
})

test('no more beats overlap than may, and those left out are told of', async () => {
  let started = 0
  let leftOut = 0
  const beat = () => {
    started += 1
    // The first ends when it is over, and so makes room for the fourth.
    return started === 1 ? Promise.resolve() : new Promise<void>(() => {})
  }
  const onLeftOut = () => void (leftOut += 1)
  await beatsOfAMinute({ aligned: true, overlapping: true, mostBeats: 2, onLeftOut, beat })
  expect({ started, leftOut }).toEqual({ started: 3, leftOut: 3 })
})

test('a scheduler serves one registry of its process, and then the next', () => {
  const scheduler = new ProcessScheduler()
  scheduler.start()
  expect(() => scheduler.start()).toThrow('has been started already')
  scheduler.stop()
  scheduler.start()
})
