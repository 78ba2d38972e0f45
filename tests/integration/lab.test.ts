import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startLabServer, type LabServer } from '../helpers/lab-server.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { textOf, WsClient } from '../helpers/ws-client.ts'

const aNumber: unknown = expect.any(Number)
const register = (port: number) => `register greeter 127.0.0.1:${String(port)}`

describe('a lab', () => {
  let server: LabServer
  const clients: WsClient[] = []
  const connect = async (token: string | null = null) => {
    const client = await WsClient.connect(server, token)
    clients.push(client)
    return client
  }

  beforeAll(async () => {
    server = await startLabServer({ env: { LAB_MAX: '2' } })
  })
  afterAll(() => server.close())

  /** Each test meets an empty server. */
  afterEach(async () => {
    for (const client of clients.splice(0)) {
      if (!client.isOpen()) continue
      if (client.lab()?.phase === 'ready') await client.ask({ type: 'lab.end' })
      await client.close()
    }
  })

  test('starts with progress, runs commands, and ends with nothing left', async () => {
    const client = await connect()
    await client.createLab()
    const phases = client.received.flatMap((message) =>
      message.type === 'lab' ? [message.lab.progress] : [],
    )
    expect(phases.at(-1)).toMatchObject({ membersUp: 3, membersTotal: 3 })
    expect(phases.at(-1)?.leader).toMatch(/^etcd[123]$/)
    expect(client.lab()?.idleEndsInMs).toBeGreaterThan(29 * 60_000)

    expect(await client.attach()).toMatchObject({ lastSeq: 0, running: null, history: [] })
    expect(await client.run(register(7001))).toMatchObject({ code: 0 })
    const found = await client.run('discover greeter')
    expect(found.code).toBe(0)
    expect(found.text).toContain('7001')
    expect(await client.run('nonsense')).toMatchObject({ code: 127 })

    expect((await server.leftovers()).pids.length).toBeGreaterThanOrEqual(3)
    await client.request('done', { type: 'lab.end' })
    expect(await client.waitForPhase('gone')).toMatchObject({ reason: 'ended' })
    const { files, pids } = await server.leftovers()
    // What is left is the run directory of the living server, and its reaper.
    expect(files).toEqual([expect.stringMatching(/^ming-lab-/)])
    expect(pids).toHaveLength(1)
    for (const request of [
      { type: 'terminal.attach', terminal: 't1', after: 0 },
      { type: 'cluster.watch', on: true },
      { type: 'fault', action: 'kill', target: 'leader' },
    ] as const) {
      expect(await client.ask(request)).toMatchObject({ error: { code: 'LAB_ENDED' } })
    }
  })

  test('is found again by its token, with everything that happened meanwhile and nothing twice', async () => {
    const first = await connect()
    const token = await first.createLab()
    await first.attach()
    await first.start('watch greeter')
    await first.attach('t2')
    await first.run(register(7001), 't2')
    await waitFor(
      'the first change on the watch',
      () => textOf(first.entries()).includes('7001') || textOf(first.entries()),
    )
    // The connection is lost without a word while the watch goes on.
    const seen = [...first.entries()]
    first.socket.terminate()
    const second = await connect(token)
    await second.attach('t2')
    for (let port = 7002; port <= 7012; port += 1) {
      expect(await second.run(register(port), 't2')).toMatchObject({ code: 0 })
    }
    const lastSeen = seen.at(-1)?.seq ?? 0
    const attached = await second.attach('t1', lastSeen)
    expect(attached).toMatchObject({ running: 'watch greeter', history: ['watch greeter'] })
    expect(attached.firstSeq).toBe(1)
    await waitFor(
      'the last change on the watch',
      () => textOf(second.entries()).includes('7012') || textOf(second.entries()),
    )
    const all = [...seen, ...second.entries()]
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
    for (let port = 7001; port <= 7012; port += 1) {
      expect(textOf(all).split(`127.0.0.1:${String(port)}`), String(port)).toHaveLength(2)
    }
    await second.request('done', { type: 'terminal.interrupt', terminal: 't1' })
    await waitFor('the exit of the watch', () => {
      const last = second.entries().at(-1)
      return (last?.kind === 'exit' && last.code === 130) || JSON.stringify(last)
    })
  })

  test('shows the same terminal in two tabs, and one command at a time', async () => {
    const one = await connect()
    const token = await one.createLab()
    const other = await connect(token)
    await one.attach()
    await other.attach()
    await one.start('watch greeter')
    expect(
      await other.ask({
        type: 'terminal.run',
        terminal: 't1',
        line: 'version',
        locale: 'en',
        columns: 80,
      }),
    ).toMatchObject({ error: { code: 'TERMINAL_BUSY' } })
    await other.request('done', { type: 'terminal.interrupt', terminal: 't1' })
    const exits = (client: WsClient) =>
      client.entries().filter(({ kind }) => kind === 'exit').length
    await waitFor(
      'the exit in both tabs',
      () => (exits(one) === 1 && exits(other) === 1) || 'not yet',
    )
    expect(other.entries()).toEqual(one.entries())
  })

  test('belongs to its reader alone', async () => {
    const [one, other] = await Promise.all([connect(), connect()])
    await Promise.all([one.createLab(), other.createLab()])
    await Promise.all([one.attach(), other.attach()])
    await one.run(register(7001))
    expect((await one.run('services')).text).toContain('greeter')
    expect((await other.run('services')).text).not.toContain('greeter')
    await one.request('done', { type: 'fault', action: 'kill', target: 'etcd1' })
    await other.request('done', { type: 'cluster.watch', on: true })
    const snapshot = await other.waitForMessage('a snapshot', ({ type }) => type === 'cluster')
    expect(snapshot).toMatchObject({ snapshot: { quorum: { running: 3 }, faults: [] } })
    expect(one.received.some(({ type }) => type === 'cluster')).toBe(false)
  })

  test('is refused when the server is full, and may be tried again', async () => {
    const [one, other, third] = await Promise.all([connect(), connect(), connect()])
    await one.request('created', { type: 'lab.create' })
    expect(await one.ask({ type: 'lab.create' })).toMatchObject({ error: { code: 'LAB_EXISTS' } })
    await other.request('created', { type: 'lab.create' })
    expect(await third.ask({ type: 'lab.create' })).toMatchObject({
      error: {
        code: 'LAB_LIMIT',
        details: { max: 2, retryAfterMs: aNumber },
      },
    })
    // Ending while it starts makes room at once.
    await one.request('done', { type: 'lab.end' })
    expect(one.lab()).toMatchObject({ phase: 'gone', reason: 'ended' })
    await third.createLab()
    await other.waitForPhase('ready')
  })

  test('answers LAB_NOT_READY while it starts', async () => {
    const client = await connect()
    await client.request('created', { type: 'lab.create' })
    const request = { type: 'terminal.attach', terminal: 't1', after: 0 } as const
    expect(await client.ask(request)).toMatchObject({ error: { code: 'LAB_NOT_READY' } })
    await client.waitForPhase('ready')
  })

  test('says why it is gone to a tab that comes back', async () => {
    const client = await connect()
    const token = await client.createLab()
    await client.request('done', { type: 'lab.end' })
    const late = await WsClient.open(server)
    expect(await late.hello(token)).toMatchObject({ lab: { phase: 'gone', reason: 'ended' } })
    await late.close()
  })

  test('loses its leader on request and tells everybody who looks', async () => {
    const client = await connect()
    await client.createLab()
    await client.request('done', { type: 'cluster.watch', on: true })
    await client.request('done', { type: 'fault', action: 'kill', target: 'leader' })
    await client.waitForMessage('a measured fault', (message) => {
      if (message.type !== 'cluster') return false
      const fault = message.snapshot.faults[0]
      return fault?.wasLeader === true && fault.leaderlessMs !== null
    })
    await client.request('done', { type: 'cluster.watch', on: false })
    expect(await client.ask({ type: 'fault', action: 'kill', target: 'etcd9' })).toMatchObject({
      error: { code: 'NO_SUCH_MEMBER' },
    })
  })

  test('ends at once, also without a quorum and with a command that waits for one', async () => {
    const client = await connect()
    await client.createLab()
    await client.attach()
    expect(await client.run(register(7001))).toMatchObject({ code: 0 })
    await client.request('done', { type: 'fault', action: 'pause', target: 'follower' })
    await client.request('done', { type: 'fault', action: 'kill', target: 'leader' })
    await client.start(register(7002))
    const started = performance.now()
    await client.request('done', { type: 'lab.end' })
    expect(performance.now() - started).toBeLessThan(2000)
    expect(client.entries().at(-1)).toMatchObject({ kind: 'exit', error: { code: 'LAB_ENDED' } })
    expect((await server.leftovers()).pids).toHaveLength(1)
  })

  test('is not held up by a tab that stops reading', async () => {
    const slow = await connect()
    const token = await slow.createLab()
    const quick = await connect(token)
    await Promise.all([slow.attach(), quick.attach()])
    slow.socket.pause()
    const value = 'x'.repeat(3500)
    for (let key = 0; key < 15; key += 1) {
      expect((await quick.run(`etcdctl put key${String(key)} ${value}`)).code).toBe(0)
    }
    // About 50 KB each: together more than a socket takes, and more than the ring keeps.
    for (let round = 0; round < 14; round += 1) {
      const { code, text } = await quick.run('etcdctl get key --prefix')
      expect([code, text.length > 15 * value.length]).toEqual([0, true])
    }
    const inOrder = (seqs: readonly number[]) => seqs.every((seq, at) => seq > (seqs[at - 1] ?? 0))
    const all = quick.entries().map(({ seq }) => seq)
    expect(all).toEqual(all.map((_, index) => index + 1))
    slow.socket.resume()
    await waitFor('the slow tab to catch up', () => {
      const last = slow.entries().at(-1)?.seq
      return last === all.length || String(last)
    })
    // Each entry at most once; what the ring no longer had shows as a jump in the numbers.
    expect(inOrder(slow.entries().map(({ seq }) => seq))).toBe(true)
  })

  test('completes commands and members', async () => {
    const client = await connect()
    await client.createLab()
    const answer = await client.request('completions', {
      type: 'complete',
      line: 'regi',
      cursor: 4,
    })
    expect(answer.candidates.map(({ value }) => value.trim())).toContain('register')
  })

  test('has a bounded number of terminals', async () => {
    const client = await connect()
    await client.createLab()
    for (let count = 0; count < 16; count += 1) await client.attach(`t${String(count)}`)
    const request = { type: 'terminal.attach', terminal: 'one-more', after: 0 } as const
    expect(await client.ask(request)).toMatchObject({ error: { code: 'TERMINAL_LIMIT' } })

    // The one that was left makes room, unless something still runs in it.
    await client.start('watch UserService', 't3')
    for (const terminal of ['t3', 't5']) {
      await client.request('done', { type: 'terminal.detach', terminal })
    }
    expect(await client.ask(request)).toMatchObject({ type: 'attached', lastSeq: 0 })
    expect(await client.ask({ ...request, terminal: 't5' })).toMatchObject({
      error: { code: 'TERMINAL_LIMIT' },
    })
    expect((await client.attach('t3')).running).toBe('watch UserService')
  })

  test('survives lines that no reader would type', async () => {
    const client = await connect()
    await client.createLab()
    await client.attach()
    expect(
      await client.ask({
        type: 'terminal.run',
        terminal: 't1',
        line: 'x'.repeat(5000),
        locale: 'en',
        columns: 80,
      }),
    ).toMatchObject({ error: { code: 'LINE_TOO_LONG' } })
    for (const line of ['\u0000', '\u001b[2J\u0007', '\ud800', '$(id)', '`id`', 'a | b', '"open']) {
      expect((await client.run(line)).code, JSON.stringify(line)).not.toBe(0)
    }
    expect((await client.run('version')).code).toBe(0)
  })
})

describe('a lab that cannot start', () => {
  test('says why, and leaves nothing', async () => {
    // A directory with the right programs, of which etcd knows its version and nothing more.
    const dir = mkdtempSync(path.join(tmpdir(), 'broken-'))
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && echo "etcd Version: 3.5.30" && exit 0\nexit 7\n'
    for (const name of ['etcd', 'etcdctl']) {
      writeFileSync(`${dir}/${name}`, script)
      chmodSync(`${dir}/${name}`, 0o755)
    }
    const server = await startLabServer({ env: { LAB_ETCD_DIR: dir } })
    const client = await WsClient.connect(server)
    await client.request('created', { type: 'lab.create' })
    const state = await client.waitForPhase('gone')
    expect(state).toMatchObject({ reason: 'failed', error: { code: 'LAB_FAILED' } })
    expect(state.error?.message).toMatch(/etcd[123] did not start/)
    expect((await server.leftovers()).pids).toHaveLength(1)
    // The way is free for another attempt.
    expect(await client.ask({ type: 'lab.create' })).toMatchObject({ type: 'created' })
    await client.close()
    await server.close()
    rmSync(dir, { recursive: true })
  })
})

describe('a restarted server', () => {
  test('is explained to a tab that comes back', async () => {
    const before = await startLabServer()
    const client = await WsClient.connect(before)
    const token = await client.createLab()
    before.signal('SIGTERM')
    expect(await client.closed()).toMatchObject({ code: 1001 })
    expect(client.received.at(-1)).toEqual({ type: 'bye', reason: 'shutdown' })
    await before.close()
    const after = await startLabServer()
    const again = await WsClient.open(after)
    expect(await again.hello(token)).toMatchObject({
      lab: { phase: 'gone', reason: 'server-restarted' },
    })
    await again.close()
    await after.close()
  })
})
