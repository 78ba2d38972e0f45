import { describe, expect, it } from 'vitest'
import {
  awaitsLeader,
  beginMeasurement,
  endMeasurement,
  type FaultStart,
  type Measurement,
  type Sample,
  withSample,
  withWrite,
} from './fault-measurement.ts'

const killOfLeader: FaultStart = {
  id: 1,
  action: 'kill',
  member: 'etcd1',
  zero: 1000,
  at: 5_000_000,
  before: { leader: 'etcd1', term: '2' },
}

function sample(at: number, from: string, names: string | null, term: string): Sample {
  const answer = {
    memberId: from,
    clusterId: 'c',
    leaderId: names,
    term,
    revision: '1',
    raftIndex: '1',
    dbSize: 0,
    version: '3.5.30',
    errors: [],
    latencyMs: 1,
  }
  return { from, answer, at, names, namesLiving: names !== null && names !== 'etcd1' }
}

function after(start: FaultStart, ...samples: Sample[]): Measurement {
  return samples.reduce(withSample, beginMeasurement(start))
}

describe('the measurement of a fault', () => {
  it('ends the leaderless time with the first survivor that names another in a higher term', () => {
    const { record } = after(
      killOfLeader,
      sample(1006, 'etcd2', 'etcd1', '2'),
      sample(1007, 'etcd3', 'etcd1', '2'),
      sample(2300, 'etcd2', null, '3'),
      sample(2306, 'etcd3', 'etcd3', '3'),
      sample(2312, 'etcd2', 'etcd3', '3'),
    )
    expect(record).toMatchObject({ wasLeader: true, newLeader: 'etcd3', leaderlessMs: 1306 })
    expect(record).toMatchObject({ at: 5_000_000, samples: 5, measuring: true })
  })

  it('is not misled by the old leader, an old term or the dead', () => {
    const measurement = after(
      killOfLeader,
      sample(999, 'etcd2', 'etcd3', '3'),
      sample(1001, 'etcd1', 'etcd3', '3'),
      sample(1002, 'etcd2', 'etcd3', '2'),
      sample(1003, 'etcd2', 'etcd1', '3'),
      { ...sample(1004, 'etcd2', 'etcd3', '3'), namesLiving: false },
    )
    expect(measurement.record).toMatchObject({ newLeader: null, leaderlessMs: null, samples: 3 })
    expect(awaitsLeader(measurement)).toBe(true)
  })

  it('compares terms as numbers', () => {
    const start = { ...killOfLeader, before: { leader: 'etcd1', term: '9' } }
    expect(after(start, sample(1100, 'etcd2', 'etcd3', '10')).record.newLeader).toBe('etcd3')
  })

  it('knows the widest gap between two answers of one survivor, from the fault on', () => {
    const { record } = after(
      killOfLeader,
      sample(1008, 'etcd2', 'etcd1', '2'),
      sample(1009, 'etcd3', 'etcd1', '2'),
      sample(1014, 'etcd2', 'etcd1', '2'),
      sample(1040, 'etcd3', 'etcd1', '2'),
    )
    expect(record.widestSampleGapMs).toBe(31)
    expect(after(killOfLeader, sample(1025, 'etcd2', 'etcd1', '2')).record).toMatchObject({
      widestSampleGapMs: 25,
    })
  })

  it('takes only an acknowledged write that began after the fault', () => {
    const begun = beginMeasurement(killOfLeader)
    const early = withWrite(begun, { startedAt: 999, at: 1001 })
    expect(early.record.writeGapMs).toBeNull()
    const first = withWrite(early, { startedAt: 1000, at: 2310 })
    expect(withWrite(first, { startedAt: 2300, at: 2400 }).record.writeGapMs).toBe(1310)
  })

  it('waits for no leader when a follower goes', () => {
    const start = { ...killOfLeader, member: 'etcd2' }
    const measurement = after(start, sample(1006, 'etcd3', 'etcd3', '3'))
    expect(awaitsLeader(measurement)).toBe(false)
    expect(measurement.record).toMatchObject({ wasLeader: false, newLeader: null })
  })

  it('waits for a leader when a member comes back to a cluster without one', () => {
    const start: FaultStart = {
      ...killOfLeader,
      action: 'start',
      before: { leader: null, term: '5' },
    }
    // The member itself owes no answer before it serves.
    const measurement = after(start, sample(2500, 'etcd1', 'etcd3', '6'))
    expect(measurement.record).toMatchObject({
      wasLeader: false,
      newLeader: 'etcd3',
      leaderlessMs: 1500,
      widestSampleGapMs: 0,
    })
  })

  it('changes no more once it has ended', () => {
    const ended = endMeasurement(beginMeasurement(killOfLeader))
    expect(withSample(ended, sample(2000, 'etcd2', 'etcd3', '3'))).toBe(ended)
    expect(withWrite(ended, { startedAt: 1500, at: 2000 })).toBe(ended)
    expect(ended.record.measuring).toBe(false)
  })
})
