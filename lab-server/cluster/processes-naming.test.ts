import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { mentionsPath, processesNaming } from './processes-naming.ts'

describe('mentionsPath', () => {
  const path = '/tmp/ming-lab-0a'

  it('finds the path itself and whatever is below it', () => {
    expect(mentionsPath(`etcd\0--data-dir=${path}/lab/etcd1\0`, path)).toBe(true)
    expect(mentionsPath(`node reaper.ts ${path}`, path)).toBe(true)
    expect(mentionsPath(`etcdctl\0--endpoints=unix://${path}/a.sock,unix://x\0`, path)).toBe(true)
  })

  it('does not take a longer name for it', () => {
    expect(mentionsPath(`etcd --data-dir=${path}b/etcd1`, path)).toBe(false)
    expect(mentionsPath(`tail ${path}.log`, path)).toBe(false)
    expect(mentionsPath(`cp ${path}-copy ${path}/x`, path)).toBe(true)
    expect(mentionsPath('etcd --data-dir=/tmp/other', path)).toBe(false)
  })
})

describe('processesNaming', () => {
  it('finds a running process by its arguments, and not once it has ended', async () => {
    const path = `/nowhere/${process.pid}`
    const child = spawn('sh', ['-c', 'sleep 60; true', `${path}/member`], { detached: true })
    await once(child, 'spawn')
    try {
      await expect.poll(() => processesNaming(path)).toEqual([child.pid])
      expect(await processesNaming(`${path}0`)).toEqual([])
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await once(child, 'exit')
    }
    expect(await processesNaming(path)).toEqual([])
  })
})
