import { closeSync, mkdtempSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMemberLog, readMemberLog, tellingLines, trimMemberLog } from './member-log.ts'

let dir: string
let path: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'member-log-'))
  path = join(dir, 'etcd1.log')
})
afterEach(() => {
  rmSync(dir, { recursive: true })
})

describe('a member log', () => {
  it('is empty before the member ever ran', async () => {
    expect(await readMemberLog(path, 10)).toEqual([])
  })

  it('gives the newest lines, oldest first', async () => {
    const file = openMemberLog(path)
    writeSync(file, 'one\ntwo\nthree\n')
    closeSync(file)
    expect(await readMemberLog(path, 2)).toEqual(['two', 'three'])
    expect(await readMemberLog(path, 0)).toEqual([])
  })

  it('is cut to its newest part while the member goes on appending', async () => {
    const file = openMemberLog(path)
    for (let line = 0; line < 30_000; line += 1)
      writeSync(file, `line ${String(line)} ${'x'.repeat(40)}\n`)
    trimMemberLog(path)
    writeSync(file, 'after the cut\n')
    closeSync(file)

    expect(statSync(path).size).toBeLessThan(300 * 1024)
    const lines = await readMemberLog(path, 100_000)
    expect(lines.slice(-2)).toEqual([`line 29999 ${'x'.repeat(40)}`, 'after the cut'])
    expect(lines[0]).toMatch(/^line \d+ x{40}$/)
  })

  it('is left alone while it is short', async () => {
    const file = openMemberLog(path)
    writeSync(file, 'short\n')
    closeSync(file)
    trimMemberLog(path)
    expect(await readMemberLog(path, 5)).toEqual(['short'])
  })
})

it('of a member that failed, the lines above information tell why', () => {
  const removed = '{"level":"warn","msg":"server error","error":"the member has been removed"}'
  const fatal = 'panic: without JSON'
  const noise = Array.from({ length: 9 }, (_, line) => `{"level":"info","msg":"stopped ${line}"}`)
  expect(tellingLines([removed, ...noise, fatal, ...noise], 5)).toEqual([removed, fatal])
  expect(tellingLines([removed, ...noise, fatal], 1)).toEqual([fatal])
  expect(tellingLines(noise, 2)).toEqual(noise.slice(-2))
})
