import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { isStopped, stateInStat } from './stopped-process.ts'

describe('isStopped', () => {
  it('is true between SIGSTOP and SIGCONT', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const { pid } = child
    if (pid === undefined) throw new Error('sleep has no pid')
    try {
      expect(await isStopped(pid)).toBe(false)
      child.kill('SIGSTOP')
      await expect.poll(() => isStopped(pid)).toBe(true)
      child.kill('SIGCONT')
      await expect.poll(() => isStopped(pid)).toBe(false)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})

describe('stateInStat', () => {
  it('finds the state behind a name with spaces and parentheses', () => {
    expect(stateInStat('42 (a) b) T) T 1 42 42')).toBe('T')
    expect(stateInStat('42 (etcd) S 1 42 42')).toBe('S')
  })
})
