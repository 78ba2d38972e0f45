import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createProcessDriver } from '../../lab-server/cluster/process-driver.ts'
import { sessionOf } from '../helpers/processes.ts'
import { createTestDriver, newLabDirectory, type TestDriver } from '../helpers/test-lab.ts'
import { describeClusterDriver } from './cluster-driver-contract.ts'

describeClusterDriver('process', () => createTestDriver())

describe('the process driver', () => {
  let lab: TestDriver | null = null
  afterEach(async () => {
    await lab?.remove()
    lab = null
  })

  it('makes a directory that only its user may enter, and removes it', async () => {
    lab = await createTestDriver()
    expect(statSync(lab.labDir).mode & 0o777).toBe(0o700)
    await lab.driver.close()
    expect(() => statSync(lab?.labDir ?? '')).toThrow('ENOENT')
  })

  it.runIf(process.platform === 'linux')(
    'gives its members a cleared environment, a session of their own and no TCP port',
    async () => {
      lab = await createTestDriver()
      const { driver } = lab
      await Promise.all(driver.members().map(({ name }) => driver.start(name)))
      for (const { pid } of driver.members()) {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
        expect(environment.map((entry) => entry.split('=')[0]).sort()).toEqual([
          'GOGC',
          'GOMAXPROCS',
          'GOMEMLIMIT',
        ])
        expect(sessionOf(pid ?? 0)).toBe(pid)
        expect(listeningTcpSockets(pid ?? 0)).toEqual([])
      }
    },
  )

  it('says why a binary that is not there cannot start', async () => {
    lab = await createTestDriver({ etcdPath: '/nowhere/etcd' })
    const failure = await failureOf(lab.driver.start('etcd1'))
    expect(failure).toMatchObject({ code: 'MEMBER_START_FAILED' })
    expect(String(failure)).toContain('ENOENT')
    expect(lab.driver.members()[0]).toMatchObject({ state: 'exited', pid: null })
  })

  it('shows the last log lines of a member that ends while it starts', async () => {
    lab = await createTestDriver()
    // A file stands where etcd wants its data directory.
    writeFileSync(join(lab.labDir, 'etcd1'), 'in the way')
    const failure = await failureOf(lab.driver.start('etcd1'))
    expect(failure).toMatchObject({ code: 'MEMBER_START_FAILED', details: { member: 'etcd1' } })
    expect(String(failure)).toMatch(/its process ended \(exited, code [12], signal null\)/)
    expect(String(failure)).toContain('not a directory')
    expect(await lab.driver.logs('etcd1', { lines: 50 })).not.toEqual([])
  })

  it('ends a member that does not serve in time, and says so', async () => {
    const scripts = mkdtempSync(join(tmpdir(), 'never-serves-'))
    const etcdPath = join(scripts, 'etcd')
    writeFileSync(etcdPath, '#!/bin/sh\necho never serving >&2\nexec sleep 600\n', { mode: 0o700 })
    lab = await createTestDriver({ etcdPath, startTimeoutMs: 400 })
    const failure = await failureOf(lab.driver.start('etcd1'))
    expect(failure).toMatchObject({ code: 'MEMBER_START_FAILED' })
    expect(String(failure)).toMatch(/within 400 ms\nnever serving/)
    expect(lab.driver.members()[0]).toMatchObject({ state: 'killed', pid: null })
    rmSync(scripts, { recursive: true })
  })

  it('refuses a directory whose sockets or flags could not work', () => {
    const { labDir } = newLabDirectory()
    const create = (dir: string, etcdVersion = '3.5.30') =>
      createProcessDriver({ etcdPath: '/etcd', etcdVersion, dir })
    expect(() => create(`/tmp/${'x'.repeat(100)}`)).toThrow(/cannot live in .* \(here: 116\)/)
    expect(() => create('/tmp/with,comma')).toThrow('cannot live in')
    expect(() => create('relative')).toThrow('cannot live in')
    expect(() => create(labDir, 'none')).toThrow('No etcd version in "none"')
    expect(existsSync(labDir)).toBe(false)
  })
})

function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )
}

/** Local addresses of listening TCP sockets that belong to the process. */
function listeningTcpSockets(pid: number): string[] {
  const own = ownSocketInodes(pid)
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && own.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  )
}

function ownSocketInodes(pid: number): Set<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkOrGone(`/proc/${pid}/fd/${fd}`))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

/** Where a descriptor leads; nowhere when it was closed meanwhile. */
function readlinkOrGone(link: string): string {
  try {
    return readlinkSync(link)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
