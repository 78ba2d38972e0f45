import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createClusterMonitor } from '../../lab-server/cluster/cluster-monitor.ts'
import { createProcessDriver } from '../../lab-server/cluster/process-driver.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import type { LabParts } from '../../lab-server/lab/lab-parts.ts'
import { startCluster } from '../../lab-server/lab/start-cluster.ts'
import { Labs } from '../../lab-server/lab/labs.ts'
import { createBoot } from '../../lab-server/lab/token.ts'
import { createLogger } from '../../lab-server/logger.ts'
import { createShell } from '../../lab-server/shell/shell.ts'
import { Outbox } from '../../lab-server/web/outbox.ts'
import { Session } from '../../lab-server/web/session.ts'
import { protocolVersion, serverMessage, type ServerMessage } from '../../protocol/index.ts'
import { createManualClock, type ManualClock } from '../helpers/manual-clock.ts'
import { etcdUnderTest, etcdVersionUnderTest } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'
import type { Request } from '../helpers/ws-client.ts'

const minute = 60_000
const logger = createLogger({ level: 'silent', format: 'text' })

let runDir = ''
let etcdVersion = ''
let clock: ManualClock
let labs: Labs

/** Real members; a shell without a registry, which no test here needs. */
function openParts(dir: string): LabParts {
  const driver = createProcessDriver({ etcdPath: etcdUnderTest(), etcdVersion, dir })
  const monitor = createClusterMonitor({ driver, connect: connectMember })
  const shell = createShell({
    driver,
    monitor,
    registry: null,
    naive: null,
    inspector: null,
    providers: null,
    etcdctl: null,
    program: null,
    versions: { lab: '0', etcd: null },
    logger,
  })
  const connected = {
    run: shell.run.bind(shell),
    complete: shell.complete.bind(shell),
    close: () => Promise.resolve(),
  }
  return {
    driver,
    monitor,
    start: (options) => startCluster({ driver, monitor }, options),
    openShell: () => connected,
    async close() {
      await monitor.close()
      await driver.close()
    },
  }
}

/** A tab without its socket. */
function openTab() {
  const received: ServerMessage[] = []
  const send = (data: string) => received.push(serverMessage.parse(JSON.parse(data)))
  const outbox = new Outbox({ wire: { bufferedAmount: 0, send }, onSlow: () => undefined })
  const facts = {
    version: '0',
    boot: '0',
    etcdVersion: '0',
    etcdOutdated: false,
    etcdFloor: '0',
    idleMinutes: 30,
  }
  const session = new Session({ labs, facts, outbox, logger })
  let id = 0
  return {
    received,
    /** Synchronous: the answer may come later. */
    send(request: Request) {
      id += 1
      session.handle({ ...request, id })
    },
    states: () => received.flatMap((message) => (message.type === 'lab' ? [message.lab] : [])),
  }
}

type Tab = ReturnType<typeof openTab>
const hello = { type: 'hello', protocol: protocolVersion, token: null, locale: 'en' } as const

async function openReadyLab(): Promise<{ tab: Tab; token: string }> {
  const tab = openTab()
  tab.send(hello)
  tab.send({ type: 'lab.create' })
  await waitFor('a ready lab', () => tab.states().at(-1)?.phase === 'ready' || 'not yet')
  const created = tab.received.find((message) => message.type === 'created')
  return { tab, token: created?.token ?? '' }
}

async function waitForGone(tab: Tab) {
  await waitFor('the lab to be gone', () => tab.states().at(-1)?.phase === 'gone' || 'not yet')
  return tab.states().at(-1)
}

beforeAll(async () => {
  etcdVersion = await etcdVersionUnderTest()
  runDir = await mkdtemp(path.join(tmpdir(), 'idle-'))
})
afterAll(() => rm(runDir, { recursive: true }))

beforeEach(() => {
  clock = createManualClock()
  labs = new Labs({
    boot: createBoot(),
    runDir,
    max: 1,
    idleMs: 30 * minute,
    openParts: ({ dir }) => Promise.resolve(openParts(dir)),
    clock,
    logger,
  })
})
afterEach(() => labs.close())

test('a lab ends after 30 minutes without its reader, with a warning before, and says so', async () => {
  const { tab, token } = await openReadyLab()
  expect(tab.states().at(-1)?.idleEndsInMs).toBe(30 * minute)
  clock.advance(25 * minute)
  await waitFor('the warning', () => tab.states().at(-1)?.idleEndsInMs === 5 * minute || 'not yet')
  clock.advance(5 * minute - 1)
  expect(labs.running).toBe(1)
  clock.advance(1)
  expect(await waitForGone(tab)).toMatchObject({ reason: 'idle', idleEndsInMs: null })
  expect(labs.running).toBe(0)
  expect(await readdir(runDir)).toEqual([])
  expect(labs.find(token)).toMatchObject({ phase: 'gone', reason: 'idle' })
})

describe('the idle clock', () => {
  test.each<Request>([
    { type: 'lab.keep' },
    { type: 'terminal.attach', terminal: 't1', after: 0 },
    { type: 'terminal.run', terminal: 't1', line: 'help', locale: 'en', columns: 80 },
    { type: 'terminal.interrupt', terminal: 't1' },
    { type: 'complete', line: '', cursor: 0 },
    { type: 'fault', action: 'pause', target: 'follower' },
  ])('starts again at $type', async (request) => {
    const { tab } = await openReadyLab()
    clock.advance(29 * minute)
    tab.send(request)
    clock.advance(29 * minute)
    expect(labs.running).toBe(1)
    clock.advance(minute)
    await waitForGone(tab)
  })

  test.each<Request>([
    { type: 'ping' },
    { type: 'cluster.watch', on: true },
    { type: 'terminal.detach', terminal: 't1' },
    { type: 'terminal.attach', terminal: 't1', after: 7 },
  ])('runs on at $type, which a page sends without its reader', async (request) => {
    const { tab } = await openReadyLab()
    clock.advance(29 * minute)
    tab.send(request)
    clock.advance(minute)
    expect(await waitForGone(tab)).toMatchObject({ reason: 'idle' })
  })

  test('runs on when a tab comes back by itself', async () => {
    const { tab, token } = await openReadyLab()
    clock.advance(29 * minute)
    const other = openTab()
    other.send({ ...hello, token })
    expect(other.received.at(-1)).toMatchObject({ lab: { phase: 'ready', idleEndsInMs: minute } })
    clock.advance(minute)
    await Promise.all([waitForGone(tab), waitForGone(other)])
  })

  test('tells every tab when it started again', async () => {
    const { tab, token } = await openReadyLab()
    const other = openTab()
    other.send({ ...hello, token })
    clock.advance(28 * minute)
    tab.send({ type: 'lab.keep' })
    await waitFor(
      'the news in the other tab',
      () => other.states().at(-1)?.idleEndsInMs === 30 * minute || 'not yet',
    )
  })
})

test('a full server says when the first lab may end', async () => {
  await openReadyLab()
  clock.advance(10 * minute)
  const late = openTab()
  late.send(hello)
  late.send({ type: 'lab.create' })
  expect(late.received.at(-1)).toMatchObject({
    type: 'failed',
    error: { code: 'LAB_LIMIT', details: { max: 1, retryAfterMs: 20 * minute } },
  })
})

test('a lab can be ended while it starts, and its members go', async () => {
  const tab = openTab()
  tab.send(hello)
  tab.send({ type: 'lab.create' })
  tab.send({ type: 'lab.end' })
  expect(await waitForGone(tab)).toMatchObject({ reason: 'ended' })
  expect(await readdir(runDir)).toEqual([])
  tab.send({ type: 'lab.create' })
  await waitFor('a new lab', () => tab.states().at(-1)?.phase === 'ready' || 'not yet')
})

test('a closing server takes no new lab', async () => {
  await labs.close()
  const tab = openTab()
  tab.send(hello)
  tab.send({ type: 'lab.create' })
  expect(tab.received.at(-1)).toMatchObject({ error: { code: 'LAB_ENDED' } })
})
