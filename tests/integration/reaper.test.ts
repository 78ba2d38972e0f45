import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { processesNaming } from '../../lab-server/cluster/processes-naming.ts'
import { startReaper, sweepLeftovers } from '../../lab-server/cluster/reaper.ts'
import { claimRunDirectory, newRunDirectory } from '../../lab-server/cluster/run-directory.ts'
import { processRuns, sessionOf } from '../helpers/processes.ts'
import { etcdUnderTest, etcdVersionUnderTest } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

const program = fileURLToPath(new URL('../helpers/doomed-server.ts', import.meta.url))
/** From the end of the server until nothing of it is left. */
const cleanWithinMs = 5000

const report = z.object({
  runDir: z.string(),
  reaper: z.number(),
  pids: z.tuple([z.number(), z.number(), z.number()]),
})

interface DoomedServer extends z.infer<typeof report> {
  readonly child: ChildProcess
  readonly pid: number
}

let baseDir: string
let server: DoomedServer | null

beforeEach(() => {
  baseDir = mkdtempSync(join(tmpdir(), 'reaper-'))
  server = null
})
afterEach(async () => {
  if (server !== null) await endWith(server, 'SIGKILL')
  await sweepLeftovers(baseDir)
  rmSync(baseDir, { recursive: true })
})

describe('when the server ends, its members and its directory go too', () => {
  it('after SIGKILL', async () => {
    server = await startDoomedServer()
    await endWith(server, 'SIGKILL')
    await expectNothingLeft(server)
  })

  it('after SIGKILL of its whole process group', async () => {
    server = await startDoomedServer()
    const ended = exited(server.child)
    process.kill(-server.pid, 'SIGKILL')
    await ended
    await expectNothingLeft(server)
  })

  it('after a SIGTERM that it handles by closing', async () => {
    server = await startDoomedServer()
    await endWith(server, 'SIGTERM')
    expect(server.child.exitCode).toBe(0)
    expect(existsSync(server.runDir)).toBe(false)
    expect(await processesNaming(server.runDir)).toEqual([])
  })

  it('after an exception that nobody caught', async () => {
    server = await startDoomedServer()
    await endWith(server, 'SIGUSR2')
    expect(server.child.exitCode).toBe(1)
    await expectNothingLeft(server)
  })

  it('also when everything of the service was sent SIGTERM first', async () => {
    server = await startDoomedServer()
    process.kill(server.reaper, 'SIGTERM')
    process.kill(server.reaper, 'SIGINT')
    process.kill(server.reaper, 'SIGHUP')
    await endWith(server, 'SIGKILL')
    await expectNothingLeft(server)
  })
})

describe('sweepLeftovers', () => {
  it('ends and removes what a server left that was killed together with its reaper', async () => {
    server = await startDoomedServer()
    process.kill(server.reaper, 'SIGKILL')
    await endWith(server, 'SIGKILL')
    expect(await processesNaming(server.runDir)).toEqual([...server.pids].sort((a, b) => a - b))

    expect(await sweepLeftovers(baseDir)).toEqual([server.runDir])
    expect(await processesNaming(server.runDir)).toEqual([])
    expect(existsSync(server.runDir)).toBe(false)
    expect(await sweepLeftovers(baseDir)).toEqual([])
  })

  it('has nothing to do where no server ever ran', async () => {
    expect(await sweepLeftovers(join(baseDir, 'not', 'there'))).toEqual([])
  })

  it('leaves a living server alone', async () => {
    server = await startDoomedServer()
    expect(await sweepLeftovers(baseDir)).toEqual([])
    for (const pid of server.pids) expect(processRuns(pid)).toBe(true)
  })

  it('touches nothing that is not plainly a run directory of ours', async () => {
    const stranger = join(baseDir, 'ming-lab-notours')
    const nobodys = newRunDirectory(baseDir)
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
    const link = newRunDirectory(baseDir)
    const file = newRunDirectory(baseDir)
    mkdirSync(stranger)
    mkdirSync(nobodys)
    writeFileSync(join(elsewhere, 'owner.json'), '{}')
    writeFileSync(join(stranger, 'owner.json'), '{}')
    symlinkSync(elsewhere, link)
    writeFileSync(file, '')

    expect(await sweepLeftovers(baseDir)).toEqual([])
    for (const path of [stranger, nobodys, link, file, join(elsewhere, 'owner.json')]) {
      expect(existsSync(path), path).toBe(true)
    }
    rmSync(elsewhere, { recursive: true })
  })

  it('does not follow a link out of a directory that it removes', async () => {
    const runDir = newRunDirectory(baseDir)
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
    writeFileSync(join(elsewhere, 'precious'), '')
    const release = await claimRunDirectory(runDir)
    symlinkSync(elsewhere, join(runDir, 'link'))
    release()

    expect(await sweepLeftovers(baseDir)).toEqual([runDir])
    expect(existsSync(runDir)).toBe(false)
    expect(existsSync(join(elsewhere, 'precious'))).toBe(true)
    rmSync(elsewhere, { recursive: true })
  })
})

describe('startReaper', () => {
  it('puts another reaper in the place of one that was ended', async () => {
    const runDir = newRunDirectory(baseDir)
    const reaper = await startReaper(runDir)
    const first = reaper.pid
    if (first === null) throw new Error('The reaper has no pid')
    process.kill(first, 'SIGKILL')
    await waitFor('another reaper', async () => {
      const pids = await processesNaming(runDir)
      const replaced = pids.length === 1 && pids[0] !== first
      return replaced ? true : `there are ${pids.join(', ')}`
    })
    await reaper.close()
    expect(existsSync(runDir)).toBe(false)
    expect(await processesNaming(runDir)).toEqual([])
    await expect(reaper.close()).resolves.toBeUndefined()
  })

  it('refuses a directory that is already there', async () => {
    const runDir = newRunDirectory(baseDir)
    mkdirSync(runDir)
    await expect(startReaper(runDir)).rejects.toThrow('EEXIST')
  })

  it.runIf(process.platform === 'linux')('runs in a session of its own', async () => {
    server = await startDoomedServer()
    expect(sessionOf(server.reaper)).toBe(server.reaper)
    expect(sessionOf(server.pid)).toBe(server.pid)
  })
})

async function startDoomedServer(): Promise<DoomedServer> {
  const args = [program, baseDir, etcdUnderTest(), await etcdVersionUnderTest()]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { pid } = child
  if (pid === undefined) throw new Error('The server has no pid')
  return { child, pid, ...report.parse(JSON.parse(line)) }
}

async function endWith({ child, pid }: DoomedServer, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = exited(child)
  process.kill(pid, signal)
  await ended
}

function exited(child: ChildProcess): Promise<unknown> {
  return once(child, 'exit')
}

async function expectNothingLeft({ runDir, pids }: DoomedServer): Promise<void> {
  await waitFor(
    'nothing to be left',
    async () => {
      const alive = await processesNaming(runDir)
      if (alive.length > 0) return `processes ${alive.join(', ')} are left`
      return existsSync(runDir) ? `${runDir} is left` : true
    },
    { timeoutMs: cleanWithinMs },
  )
  for (const pid of pids) expect(processRuns(pid)).toBe(false)
}
