import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startLabServer, type LabServer, type LabServerOptions } from '../helpers/lab-server.ts'
import { processRuns } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { WsClient } from '../helpers/ws-client.ts'

/** Makes the mistakes that we might make, when told to. */
const mistakesOnSignal = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `process.on('SIGUSR2', () => { throw new Error('nobody catches this') })
     process.on('SIGWINCH', () => { void Promise.reject(new Error('nobody listens to this')) })`,
  )}`,
}

let server: LabServer
let client: WsClient

/** Three members, two providers, the reaper. */
const everyProcess = 6

/** A server with a lab that is in use: a command runs; one member and one provider are paused. */
async function startBusyServer(options: LabServerOptions = {}): Promise<void> {
  server = await startLabServer({ ownGroup: true, ...options })
  client = await WsClient.connect(server)
  await client.createLab()
  await client.attach()
  expect(await client.run('register greeter 127.0.0.1:7001')).toMatchObject({ code: 0 })
  await client.request('done', { type: 'fault', action: 'pause', target: 'follower' })
  expect(await client.run('provider start greeter --count 2')).toMatchObject({ code: 0 })
  expect(await client.run('provider pause p2')).toMatchObject({ code: 0 })
  await client.start('watch greeter')
  const { pids, files } = await server.leftovers()
  // Otherwise "nothing is left" would prove nothing.
  expect(pids.length).toBe(everyProcess)
  expect(files).toHaveLength(1)
}

async function expectNothingLeft(): Promise<void> {
  await waitFor('nothing to be left', async () => {
    const { files, pids } = await server.leftovers()
    return (files.length === 0 && pids.length === 0) || JSON.stringify({ files, pids })
  })
}

afterEach(async () => {
  client.socket.terminate()
  await server.close()
})

describe('nothing is left behind by a server with a paused member and a paused provider', () => {
  beforeEach(() => startBusyServer({ env: mistakesOnSignal }))

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'that ends gracefully on %s',
    async (signal) => {
      server.signal(signal)
      expect(await client.closed()).toMatchObject({ code: 1001 })
      expect(client.received).toContainEqual({ type: 'bye', reason: 'shutdown' })
      expect(await server.exited()).toEqual({ code: 0, signal: null })
      // A graceful end waits for it.
      expect(await server.leftovers()).toEqual({ files: [], pids: [] })
    },
  )

  test('that hears one Ctrl-C twice, from the terminal and from npm', async () => {
    server.signal('SIGINT')
    server.signal('SIGINT')
    server.signal('SIGTERM')
    expect(await server.exited()).toEqual({ code: 0, signal: null })
    expect(await server.leftovers()).toEqual({ files: [], pids: [] })
  })

  test('that dies of an error nobody caught', async () => {
    server.signal('SIGUSR2')
    expect(await server.exited()).toEqual({ code: 1, signal: null })
    expect(server.stderr()).toContain('nobody catches this')
    expect(await client.closed()).toMatchObject({ code: 1001 })
    await expectNothingLeft()
  })

  test.each(['SIGABRT', 'SIGSEGV', 'SIGKILL'] as const)('that dies of %s', async (signal) => {
    server.signal(signal)
    expect(await server.exited()).toEqual({ code: null, signal })
    await expectNothingLeft()
  })

  test('whose whole process group is killed', async () => {
    server.signalGroup('SIGKILL')
    expect(await server.exited()).toEqual({ code: null, signal: 'SIGKILL' })
    await expectNothingLeft()
  })

  test('whose terminal sends Ctrl-C to the whole process group', async () => {
    server.signalGroup('SIGINT')
    expect(await server.exited()).toEqual({ code: 0, signal: null })
    await expectNothingLeft()
  })
})

test('a rejection that nobody listens to is logged and ends nothing', async () => {
  await startBusyServer({ env: mistakesOnSignal })
  server.signal('SIGWINCH')
  await waitFor(
    'the log to tell',
    () => server.stderr().includes('nobody listens to this') || server.stderr(),
  )
  expect(await client.request('done', { type: 'ping' })).toMatchObject({ type: 'done' })
})

test('the next start removes what remained when the reaper was killed as well', async () => {
  await startBusyServer()
  const runDir = path.join(server.dataDir, readdirSync(server.dataDir)[0] ?? '')
  const { pids } = await server.leftovers()
  const reaper = pids.filter((pid) => commandOf(pid).includes('reaper'))
  expect(reaper).toHaveLength(1)
  // Stopped, it cannot start another reaper.
  server.signal('SIGSTOP')
  for (const pid of reaper) process.kill(pid, 'SIGKILL')
  server.signal('SIGKILL')
  await server.exited()
  // Without its server a provider ends by itself; one that is paused cannot.
  await waitFor('the running provider to end', async () => {
    const { pids: left } = await server.leftovers()
    return left.length === 4 || left.map(commandOf).join('\n')
  })
  const left = await server.leftovers()
  expect(left.pids.filter((pid) => commandOf(pid).includes('provider-process'))).toHaveLength(1)
  expect(left.files).toEqual([path.basename(runDir)])

  const next = await startLabServer({ env: { LAB_DATA_DIR: server.dataDir } })
  expect(next.stderr()).toContain('removed what an earlier server left')
  await next.close()
  await expectNothingLeft()
})

test('two servers on one data directory leave each other alone', async () => {
  await startBusyServer()
  const other = await startLabServer({ env: { LAB_DATA_DIR: server.dataDir } })
  await other.close()
  expect((await server.leftovers()).pids).toHaveLength(everyProcess)
  expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'done' })
})

test('a server ends with the process that started it, where that is asked for', async () => {
  await startBusyServer()
  const { dataDir } = server
  const program = path.resolve(import.meta.dirname, '../../lab-server/main.ts')
  // A parent that starts a server, tells its pid, and waits.
  const parent = spawn(
    process.execPath,
    [
      '-e',
      `const child = require('node:child_process').spawn(process.execPath, [${JSON.stringify(program)}], { stdio: 'inherit' })
       console.log('child ' + child.pid)`,
    ],
    {
      env: {
        LAB_ETCD_DIR: process.env['LAB_ETCD_DIR'],
        LAB_EXIT_WITH_PARENT: '1',
        LAB_DATA_DIR: dataDir,
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let output = ''
  parent.stdout.on('data', (data: Buffer) => (output += data.toString()))
  await waitFor('the server to serve', () => output.includes('Ming Registry Lab:') || output)
  const pid = Number(/child (\d+)/.exec(output)?.[1])
  expect(processRuns(pid)).toBe(true)
  parent.kill('SIGKILL')
  await waitFor('the server to end', () => !processRuns(pid) || 'it runs')
  await waitFor('its run directory to go', () => {
    const files = readdirSync(dataDir)
    return files.length === 1 || files.join()
  })
})

function commandOf(pid: number): string {
  return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
}
