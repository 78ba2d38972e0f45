import { describe, expect, it } from 'vitest'
import { emptyStrip, noteLeader, noteMember, noteWrites, viewStrip } from './strip.ts'

/** The epoch of these tests begins a million milliseconds before their clock. */
const toEpoch = (monotonic: number) => monotonic + 1_000_000

describe('the strip', () => {
  it('shows a failover as three stretches, in epoch time', () => {
    let strip = noteLeader(emptyStrip, 0, { leader: 'etcd1', term: '2' })
    strip = noteLeader(strip, 500, { leader: 'etcd1', term: '2' })
    strip = noteLeader(strip, 1000, { leader: null, term: '2' })
    strip = noteLeader(strip, 2300, { leader: 'etcd3', term: '3' })
    strip = noteWrites(strip, 0, 'ok')
    strip = noteWrites(strip, 990, 'refused')
    strip = noteWrites(strip, 2350, 'ok')
    strip = noteMember(strip, 0, 'etcd1', 'running')
    strip = noteMember(strip, 1000, 'etcd1', 'killed')

    expect(viewStrip(strip, 3000, toEpoch)).toEqual({
      from: 943_000,
      leaders: [
        { from: 1_000_000, to: 1_001_000, leader: 'etcd1', term: '2' },
        { from: 1_001_000, to: 1_002_300, leader: null, term: '2' },
        { from: 1_002_300, to: 1_003_000, leader: 'etcd3', term: '3' },
      ],
      writes: [
        { from: 1_000_000, to: 1_000_990, state: 'ok' },
        { from: 1_000_990, to: 1_002_350, state: 'refused' },
        { from: 1_002_350, to: 1_003_000, state: 'ok' },
      ],
      members: [
        { from: 1_000_000, to: 1_001_000, member: 'etcd1', process: 'running' },
        { from: 1_001_000, to: 1_003_000, member: 'etcd1', process: 'killed' },
      ],
    })
  })

  it('shows no more than a minute and keeps no more', () => {
    let strip = emptyStrip
    for (let at = 0; at <= 600_000; at += 1000) {
      strip = noteWrites(strip, at, at % 2000 === 0 ? 'ok' : 'refused')
    }
    expect(strip.writes.length).toBeLessThanOrEqual(61)
    const { from, writes } = viewStrip(strip, 600_500, toEpoch)
    expect(from).toBe(1_540_500)
    expect(writes[0]).toEqual({ from: 1_540_500, to: 1_541_000, state: 'ok' })
    expect(writes.at(-1)).toEqual({ from: 1_600_000, to: 1_600_500, state: 'ok' })
  })
})
