import { describe, expect, it } from 'vitest'
import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'
import { measuredGaps, stripScale } from './strip-layout.ts'

const now = 1_000_000
const fault = (change: Partial<FaultRecord>): FaultRecord => ({
  id: 1,
  action: 'kill',
  member: 'etcd1',
  wasLeader: true,
  at: now - 30_000,
  leaderlessMs: 1200,
  newLeader: 'etcd2',
  writeGapMs: 1300,
  measuring: false,
  samples: 200,
  widestSampleGapMs: 9,
  ...change,
})
const snapshot = (change: Partial<ClusterSnapshot>): ClusterSnapshot => ({
  at: now,
  members: [],
  leader: 'etcd2',
  term: '3',
  quorum: { running: 3, needed: 2, total: 3, held: true },
  probing: true,
  faults: [],
  strip: { from: now - 60_000, leaders: [], writes: [], members: [] },
  ...change,
})

describe('the strip', () => {
  it('places a minute on its width, with now at the right edge', () => {
    const scale = stripScale(now, 600)
    expect(scale.bar(now - 60_000, now)).toEqual({ x: 0, width: 600 })
    expect(scale.bar(now - 30_000, now - 15_000)).toEqual({ x: 300, width: 150 })
  })

  it('cuts off what is older, and keeps a short stretch visible', () => {
    const scale = stripScale(now, 600)
    expect(scale.bar(now - 90_000, now - 70_000)).toBeNull()
    expect(scale.bar(now - 90_000, now - 50_000)).toEqual({ x: 0, width: 100 })
    expect(scale.bar(now - 1000, now - 999)?.width).toBe(1.5)
  })

  it('brackets the measured write gap of a leader', () => {
    const gaps = measuredGaps(snapshot({ faults: [fault({})] }), 600)
    expect(gaps).toEqual([{ x: 300, width: 13, ms: 1300 }])
  })

  it('brackets the leaderless time when no write was probed', () => {
    const gaps = measuredGaps(snapshot({ faults: [fault({ writeGapMs: null })] }), 600)
    expect(gaps.map((gap) => gap.ms)).toEqual([1200])
  })

  it('brackets nothing for a follower that cost nothing, nor for a member that came back', () => {
    const faults = [
      fault({ wasLeader: false, leaderlessMs: null, writeGapMs: 12 }),
      fault({ action: 'start', wasLeader: false, writeGapMs: 900 }),
    ]
    expect(measuredGaps(snapshot({ faults }), 600)).toEqual([])
  })

  it('brackets refused writes that no measurement covers, and those it covers only once', () => {
    const span = (from: number, to: number) => ({ from, to, state: 'refused' }) as const
    const writes = [span(now - 29_900, now - 28_800), span(now - 20_000, now - 5000)]
    const strip = { from: now - 60_000, leaders: [], members: [], writes }
    const gaps = measuredGaps(snapshot({ faults: [fault({})], strip }), 600)
    expect(gaps.map((gap) => gap.ms)).toEqual([1300, 15_000])
  })
})
