import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countQuorum } from './quorum.ts'
import type { ClusterSnapshot } from '../../protocol/index.ts'
import { systemClock } from './clock.ts'
import { SnapshotFeed } from './snapshot-feed.ts'

function snapshot(): ClusterSnapshot {
  return {
    at: Date.now(),
    members: [],
    leader: null,
    term: '0',
    quorum: countQuorum([]),
    probing: false,
    faults: [],
    strip: { from: 0, leaders: [], writes: [], members: [] },
  }
}

describe('SnapshotFeed', () => {
  let feed: SnapshotFeed
  let built: number
  let sent: number[]
  const listener = () => sent.push(performance.now())

  beforeEach(() => {
    vi.useFakeTimers()
    built = 0
    sent = []
    feed = new SnapshotFeed(systemClock, () => {
      built += 1
      return snapshot()
    })
  })
  afterEach(() => {
    feed.close()
    vi.useRealTimers()
  })

  it('builds nothing while nobody listens', () => {
    feed.changed('facts')
    vi.advanceTimersByTime(1000)
    expect(built).toBe(0)
  })

  it('tells one story for facts that come together', () => {
    feed.add(listener)
    feed.changed('facts')
    feed.changed('figures')
    feed.changed('facts')
    vi.advanceTimersByTime(50)
    expect(sent).toHaveLength(1)
  })

  it('holds moving figures to ten a second, and lets a fact overtake them', () => {
    feed.add(listener)
    for (let ms = 0; ms < 1000; ms += 5) {
      feed.changed('figures')
      vi.advanceTimersByTime(5)
    }
    expect(sent.length).toBeGreaterThanOrEqual(9)
    expect(sent.length).toBeLessThanOrEqual(11)

    vi.advanceTimersByTime(200)
    sent = []
    feed.changed('facts')
    vi.advanceTimersByTime(5)
    feed.changed('figures')
    feed.changed('facts')
    vi.advanceTimersByTime(20)
    expect(sent).toHaveLength(2)
  })

  it('sends the same snapshot to all, and nothing to who left', () => {
    const first = vi.fn()
    const second = vi.fn()
    feed.add(first)
    feed.add(second)
    feed.changed('facts')
    vi.advanceTimersByTime(50)
    expect(first.mock.calls[0]?.[0]).toBe(second.mock.calls[0]?.[0])
    feed.remove(second)
    feed.changed('facts')
    vi.advanceTimersByTime(50)
    expect(first).toHaveBeenCalledTimes(2)
    expect(second).toHaveBeenCalledTimes(1)
  })

  it('sends nothing once it is closed', () => {
    feed.add(listener)
    feed.changed('facts')
    feed.close()
    vi.advanceTimersByTime(1000)
    expect(sent).toEqual([])
  })
})
