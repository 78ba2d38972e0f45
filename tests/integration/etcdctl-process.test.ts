import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runEtcdctl } from '../../lab-server/shell/etcdctl/run-etcdctl.ts'
import { etcdctlProcesses } from '../helpers/shell-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

let dir: string

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'ming-etcdctl-')))
})

afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

/** Node in the place of etcdctl: it can be as stubborn as the test needs. */
function runScript(script: string, options: { signal?: AbortSignal; outputLimit?: number } = {}) {
  const text = { stdout: '', stderr: '' }
  const end = runEtcdctl({
    path: process.execPath,
    dir,
    argv: ['-e', script],
    signal: options.signal ?? new AbortController().signal,
    outputLimit: options.outputLimit ?? 1024 * 1024,
    hidden: '',
    write: (name, visible) => {
      text[name] += visible
      return Promise.resolve()
    },
  })
  return { text, end }
}

const gone = () =>
  waitFor('the process to be gone', async () => {
    const left = await etcdctlProcesses(dir)
    return left.length === 0 || left.join('; ')
  })

test('the process gets a cleared environment, no standard input and the directory it is known by', async () => {
  process.env['ETCDCTL_ENDPOINTS'] = 'http://elsewhere:2379'
  const { text, end } = runScript(`
    const stdin = require('node:fs').readFileSync(0, 'utf8')
    console.log(JSON.stringify({ env: process.env, stdin, cwd: process.cwd(), argv0: process.argv0 }))
  `)
  const { code } = await end
  delete process.env['ETCDCTL_ENDPOINTS']
  expect(code).toBe(0)
  const facts: unknown = JSON.parse(text.stdout)
  expect(facts).toMatchObject({ stdin: '', cwd: dir, argv0: join(dir, 'etcdctl') })
  const { env } = facts as { env: Record<string, string> }
  expect(env['ETCDCTL_API']).toBe('3')
  expect(env['ETCDCTL_ENDPOINTS']).toBeUndefined()
  expect(env['HOME']).toBeUndefined()
  expect(env['PATH']).toBeUndefined()
})

test('an aborted process that ignores SIGTERM is killed', async () => {
  const abort = new AbortController()
  const { text, end } = runScript(
    `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('ready')`,
    { signal: abort.signal },
  )
  await waitFor('the process to be ready', () => text.stdout.includes('ready') || text.stdout)
  abort.abort()
  expect(await end).toMatchObject({ code: null, signal: 'SIGKILL' })
  await gone()
})

test('an aborted process that listens may still clean up', async () => {
  const abort = new AbortController()
  const { text, end } = runScript(
    `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('ready')`,
    { signal: abort.signal },
  )
  await waitFor('the process to be ready', () => text.stdout.includes('ready') || text.stdout)
  abort.abort()
  expect(await end).toMatchObject({ code: 0, signal: null })
})

test('endless output is cut at the limit and its process ended', async () => {
  const { text, end } = runScript(
    `const more = () => process.stdout.write('y'.repeat(65536), more); more()`,
    { outputLimit: 100_000 },
  )
  expect(await end).toMatchObject({ overflowed: true })
  expect(text.stdout).toBe('y'.repeat(100_000))
  await gone()
})

test('both streams count against one limit', async () => {
  const { text, end } = runScript(
    `process.stdout.write('a'.repeat(800)); process.stderr.write('b'.repeat(800))`,
    { outputLimit: 1000 },
  )
  expect(await end).toMatchObject({ overflowed: true })
  expect(text.stdout.length + text.stderr.length).toBe(1000)
})

test('an abort before the start starts nothing', async () => {
  const { end } = runScript('', { signal: AbortSignal.abort(new Error('too late')) })
  await expect(end).rejects.toThrow('too late')
})

test('a binary that is not there is an error, not a crash', async () => {
  const end = runEtcdctl({
    path: join(dir, 'no-such-file'),
    dir,
    argv: [],
    signal: new AbortController().signal,
    outputLimit: 1,
    hidden: '',
    write: () => Promise.resolve(),
  })
  await expect(end).rejects.toMatchObject({ code: 'INTERNAL' })
})

test('a directory that is gone is an error, not a crash', async () => {
  const end = runEtcdctl({
    path: process.execPath,
    dir: join(dir, 'gone'),
    argv: ['-e', ''],
    signal: new AbortController().signal,
    outputLimit: 1,
    hidden: '',
    write: () => Promise.resolve(),
  })
  await expect(end).rejects.toMatchObject({ code: 'INTERNAL' })
})
