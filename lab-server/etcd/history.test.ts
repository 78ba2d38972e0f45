import { describe, expect, it } from 'vitest'
import { advanceMark, startMark, suspectHistory } from './history.ts'

const header = (revision: string, cluster_id = '7', raft_term = '2') => ({
  revision,
  cluster_id,
  raft_term,
})

describe('the history of a cluster', () => {
  it('is trusted by its first answer, whatever cluster that is', () => {
    expect(suspectHistory(startMark(5n), header('5'))).toBeNull()
    expect(suspectHistory(startMark(5n), header('6', '8'))).toBeNull()
  })

  it('is doubted when an answer comes from before what was seen', () => {
    const mark = advanceMark(startMark(5n), header('9'))
    expect(suspectHistory(mark, header('9'))).toBeNull()
    expect(suspectHistory(mark, header('8'))).toBe('behind')
  })

  it('is doubted when another cluster answers, even one that is further', () => {
    const mark = advanceMark(startMark(5n), header('9'))
    expect(suspectHistory(mark, header('100', '8'))).toBe('other-cluster')
  })

  it('keeps the furthest revision that any member showed', () => {
    const mark = advanceMark(advanceMark(startMark(5n), header('9')), header('7'))
    expect(mark).toEqual({ clusterId: '7', revision: 9n, term: 2n, raftIndex: 0n })
  })

  it('is doubted when its term is an earlier one, though its revision is not', () => {
    const mark = advanceMark(startMark(5n), header('9', '7', '4'))
    expect(suspectHistory(mark, header('12', '7', '2'))).toBe('behind')
    expect(suspectHistory(mark, header('12', '7', '4'))).toBeNull()
    // Its own term a member knows only once it has applied something.
    expect(suspectHistory(mark, header('12', '7', '0'))).toBeNull()
  })

  it('is doubted when its log is shorter than it was, though its revision is not', () => {
    const mark = advanceMark(startMark(5n), { ...header('9'), raftIndex: '40' })
    expect(suspectHistory(mark, { ...header('12'), raftIndex: '8' })).toBe('behind')
    expect(suspectHistory(mark, { ...header('12'), raftIndex: '40' })).toBeNull()
    expect(suspectHistory(mark, header('12'))).toBeNull()
  })
})
