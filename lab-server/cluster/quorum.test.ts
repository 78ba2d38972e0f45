import { describe, expect, it } from 'vitest'
import type { ProcessState } from '../../protocol/index.ts'
import { countQuorum } from './quorum.ts'

describe('countQuorum', () => {
  it('needs more than half of all members', () => {
    const needed = [1, 2, 3, 4, 5, 7].map(
      (size) => countQuorum(Array.from<ProcessState>({ length: size }).fill('running')).needed,
    )
    expect(needed).toEqual([1, 2, 2, 3, 3, 4])
  })

  it('is held by two of three and lost with one', () => {
    expect(countQuorum(['running', 'killed', 'running'])).toEqual({
      running: 2,
      needed: 2,
      total: 3,
      held: true,
    })
    expect(countQuorum(['running', 'killed', 'stopped']).held).toBe(false)
  })

  it('counts no member that cannot answer', () => {
    const silent: ProcessState[] = ['starting', 'paused', 'stopped', 'killed', 'exited']
    expect(countQuorum(silent)).toEqual({ running: 0, needed: 3, total: 5, held: false })
  })

  it('is not held by no members at all', () => {
    expect(countQuorum([]).held).toBe(false)
  })
})
