import { describe, expect, it } from 'vitest'
import chinese from '../../content/i18n/zh-CN.json' with { type: 'json' }
import english from '../../content/i18n/en.json' with { type: 'json' }
import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'
import { faultResult, latestFault, samplingNote } from './fault-words.ts'
import { createWords } from './words.ts'

const words = createWords(english)
const fault = (change: Partial<FaultRecord> = {}): FaultRecord => ({
  id: 1,
  action: 'kill',
  member: 'etcd1',
  wasLeader: true,
  at: 0,
  leaderlessMs: 1234,
  newLeader: 'etcd2',
  writeGapMs: 912,
  measuring: false,
  samples: 250,
  widestSampleGapMs: 9.6,
  ...change,
})

const now = (leader: string | null, running = 2): Pick<ClusterSnapshot, 'leader' | 'quorum'> => ({
  leader,
  quorum: { running, needed: 2, total: 3, held: running >= 2 },
})

describe('the words for a fault', () => {
  it('say who took over and both measured times', () => {
    expect(faultResult(fault(), now('etcd2'), words)).toBe(
      'etcd1, the leader, was killed. etcd2 took over after 1.23 s without a leader. The first write was acknowledged after 912 ms.',
    )
    expect(faultResult(fault(), now('etcd2'), createWords(chinese))).toBe(
      'leader etcd1 被杀掉。etcd2 当选新 leader，中间 1.23 秒没有 leader。912 毫秒后第一次写入得到确认。',
    )
  })

  it('say no result before the measurement has ended', () => {
    const text = faultResult(fault({ measuring: true }), now(null), words)
    expect(text).toBe('etcd1, the leader, was killed. Measuring…')
    expect(samplingNote(fault({ measuring: true }), words)).toBe('')
  })

  it('say that a follower cost nothing', () => {
    const follower = fault({ wasLeader: false, leaderlessMs: null, newLeader: null, writeGapMs: 8 })
    expect(faultResult(follower, now('etcd2'), words)).toBe(
      'etcd1 was killed. It did not lead, so no election was needed. Writes went on.',
    )
  })

  it('do not claim a leader or a write that was not seen', () => {
    const lost = fault({ leaderlessMs: null, newLeader: null, writeGapMs: null })
    expect(faultResult(lost, now(null), words)).toContain('There is no new leader.')
    expect(faultResult(lost, now(null), words)).toContain('No write was acknowledged')
    expect(faultResult(lost, now('etcd3'), words)).toContain('etcd3 leads now')
  })

  it('do not say that a follower cost nothing when the quorum went with it', () => {
    const last = fault({ wasLeader: false, leaderlessMs: null, newLeader: null, writeGapMs: null })
    const lost =
      'etcd1 was killed. It did not lead, but without it there is no majority: the quorum is lost and writes are refused. No write was acknowledged while it was measured.'
    expect(faultResult(last, now('etcd2', 1), words)).toBe(lost)
    expect(faultResult(last, now(null, 1), words)).toBe(lost)
    expect(faultResult(last, now('etcd2'), words)).toBe(
      'etcd1 was killed. It did not lead. No write was acknowledged while it was measured.',
    )
    expect(faultResult(last, now(null, 1), createWords(chinese))).toBe(
      'etcd1 被杀掉。它不是 leader，但少了它就凑不够法定多数，写入被拒绝。测量期间没有写入得到确认。',
    )
  })

  it('say how well the times are known', () => {
    expect(samplingNote(fault(), words)).toBe(
      'Each survivor was asked for its Status: 250 answers, at most 10 ms apart.',
    )
  })

  it('are about the newest fault that took a member away', () => {
    const faults = [
      fault({ id: 1 }),
      fault({ id: 2, action: 'pause' }),
      fault({ id: 3, action: 'start' }),
    ]
    expect(latestFault(faults)?.id).toBe(2)
    expect(latestFault([])).toBeNull()
  })
})
