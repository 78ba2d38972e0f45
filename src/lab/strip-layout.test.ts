import { describe, expect, it } from 'vitest'
import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'
import { measuredGaps, placeGapLabels, stripScale } from './strip-layout.ts'

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

  it('labels each gap from its left edge while there is room', () => {
    const gaps = [10, 300].map((x) => ({ gap: { x, width: 20 }, label: '1.11 s' }))
    expect(placeGapLabels(gaps, 600)).toEqual([
      { x: 10, anchor: 'start' },
      { x: 300, anchor: 'start' },
    ])
  })

  it('turns a label that would leave the strip or touch a newer one to its left', () => {
    const gaps = [545, 590].map((x) => ({ gap: { x, width: 10 }, label: '1.11 s' }))
    expect(placeGapLabels(gaps, 600)).toEqual([null, { x: 600, anchor: 'end' }])
    const apart = [500, 540].map((x) => ({ gap: { x, width: 10 }, label: '1.11 s' }))
    expect(placeGapLabels(apart, 600)).toEqual([
      { x: 510, anchor: 'end' },
      { x: 540, anchor: 'start' },
    ])
  })

  it('leaves out a label that fits nowhere, and keeps the newest', () => {
    const gaps = [300, 312, 324].map((x) => ({ gap: { x, width: 10 }, label: '1.06 秒' }))
    expect(placeGapLabels(gaps, 600)).toEqual([
      { x: 310, anchor: 'end' },
      null,
      { x: 324, anchor: 'start' },
    ])
  })

  it('brackets refused writes that no measurement covers, and those it covers only once', () => {
    const span = (from: number, to: number) => ({ from, to, state: 'refused' }) as const
    const writes = [span(now - 29_900, now - 28_800), span(now - 20_000, now - 5000)]
    const strip = { from: now - 60_000, leaders: [], members: [], writes }
    const gaps = measuredGaps(snapshot({ faults: [fault({})], strip }), 600)
    expect(gaps.map((gap) => gap.ms)).toEqual([1300, 15_000])
  })
})
