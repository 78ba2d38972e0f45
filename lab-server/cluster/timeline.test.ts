import { describe, expect, it } from 'vitest'
import { addChange, forgetBefore, spansBetween, type Timeline } from './timeline.ts'

function timelineOf(...changes: [number, string][]): Timeline<string> {
  return changes.reduce<Timeline<string>>(
    (timeline, [at, value]) => addChange(timeline, at, value, (a, b) => a === b),
    [],
  )
}

describe('a timeline', () => {
  it('keeps changes only', () => {
    expect(timelineOf([0, 'a'], [10, 'a'], [20, 'b'], [30, 'b'])).toEqual([
      { at: 0, value: 'a' },
      { at: 20, value: 'b' },
    ])
  })

  it('never goes back: a late change counts from the last one on', () => {
    expect(timelineOf([0, 'a'], [20, 'b'], [15, 'c'])).toEqual([
      { at: 0, value: 'a' },
      { at: 20, value: 'c' },
    ])
    // Taking the last change back leaves nothing of it.
    expect(timelineOf([0, 'a'], [20, 'b'], [20, 'a'])).toEqual([{ at: 0, value: 'a' }])
  })

  it('gives stretches without gap, cut to what was asked for', () => {
    const timeline = timelineOf([0, 'a'], [10, 'b'], [30, 'c'])
    expect(spansBetween(timeline, 5, 40)).toEqual([
      { from: 5, to: 10, value: 'a' },
      { from: 10, to: 30, value: 'b' },
      { from: 30, to: 40, value: 'c' },
    ])
    expect(spansBetween(timeline, 10, 30)).toEqual([{ from: 10, to: 30, value: 'b' }])
    expect(spansBetween([], 0, 10)).toEqual([])
  })

  it('forgets what no longer matters, but not what still holds', () => {
    const timeline = timelineOf([0, 'a'], [10, 'b'], [30, 'c'])
    expect(spansBetween(forgetBefore(timeline, 20), 20, 40)).toEqual(spansBetween(timeline, 20, 40))
    expect(forgetBefore(timeline, 20)).toHaveLength(2)
    expect(forgetBefore(timeline, 100)).toEqual([{ at: 30, value: 'c' }])
    expect(forgetBefore(timeline, -5)).toEqual(timeline)
  })
})
