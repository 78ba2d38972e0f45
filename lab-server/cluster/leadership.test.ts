import { describe, expect, it } from 'vitest'
import type { ProcessState } from '../../protocol/index.ts'
import {
  compareTerms,
  findAgreedLeader,
  findLeadership,
  knowsNoLeader,
  type Observation,
} from './leadership.ts'

/** A member that answers: whom it names (by number) and in which term. */
function says(
  number: number,
  leader: number | null,
  term: string,
  process: ProcessState = 'running',
): Observation {
  return {
    name: `etcd${number}`,
    process,
    answer: {
      memberId: `a${number}`,
      clusterId: 'c',
      leaderId: leader === null ? null : `a${leader}`,
      term,
      revision: '1',
      raftIndex: '1',
      dbSize: 0,
      version: '3.5.30',
      errors: [],
      latencyMs: 1,
    },
  }
}

function silent(number: number, process: ProcessState = 'running'): Observation {
  return { name: `etcd${number}`, process, answer: null }
}

describe('findLeadership', () => {
  it('is the member that names itself', () => {
    const members = [says(1, 2, '4'), says(2, 2, '4'), says(3, 2, '4')]
    expect(findLeadership(members)).toEqual({ leader: 'etcd2', term: '4' })
  })

  it('has no leader once its process is gone, whatever the survivors still say', () => {
    const members = [says(1, 2, '4'), says(2, 2, '4', 'killed'), says(3, 2, '4')]
    expect(findLeadership(members).leader).toBeNull()
  })

  it('prefers the higher term when two name themselves', () => {
    const members = [says(1, 1, '9'), says(2, 2, '10'), says(3, 2, '10')]
    expect(findLeadership(members)).toEqual({ leader: 'etcd2', term: '10' })
  })

  it('has no leader without quorum, though the last one still names itself', () => {
    const members = [says(1, 1, '4'), silent(2, 'killed'), silent(3, 'killed')]
    expect(findLeadership(members)).toEqual({ leader: null, term: '4' })
  })

  it('has no leader while all only follow or nobody answers', () => {
    expect(findLeadership([says(1, null, '5'), says(2, null, '5'), silent(3)]).leader).toBeNull()
    expect(findLeadership([silent(1), silent(2), silent(3)])).toEqual({ leader: null, term: '0' })
  })
})

describe('findAgreedLeader', () => {
  it('wants every running member to name the same one', () => {
    const agreed = [says(1, 3, '4'), silent(2, 'killed'), says(3, 3, '4')]
    expect(findAgreedLeader(agreed)).toBe('etcd3')
    expect(findAgreedLeader([says(1, 3, '4'), says(2, null, '5'), says(3, 3, '4')])).toBeNull()
    expect(findAgreedLeader([says(1, 3, '4'), silent(2), says(3, 3, '4')])).toBeNull()
  })

  it('does not take agreement on a dead leader for a leader', () => {
    expect(findAgreedLeader([says(1, 2, '4'), silent(2, 'killed'), says(3, 2, '4')])).toBeNull()
    expect(findAgreedLeader([says(1, null, '4'), silent(2), says(3, null, '4')])).toBeNull()
  })
})

describe('knowsNoLeader', () => {
  it('is true when every running member says so', () => {
    expect(knowsNoLeader([says(1, null, '5'), silent(2, 'killed'), silent(3, 'paused')])).toBe(true)
    expect(knowsNoLeader([says(1, 1, '5'), silent(2, 'killed'), silent(3, 'killed')])).toBe(false)
    expect(knowsNoLeader([silent(1), silent(2, 'killed'), silent(3, 'killed')])).toBe(false)
  })
})

describe('compareTerms', () => {
  it('compares int64 as numbers', () => {
    expect(compareTerms('9', '10')).toBeLessThan(0)
    expect(compareTerms('9223372036854775807', '9223372036854775806')).toBeGreaterThan(0)
    expect(compareTerms('7', '7')).toBe(0)
  })
})
