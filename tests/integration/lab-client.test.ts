import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws'
import { clientMessage, type ClientMessage, type LabState } from '../../protocol/index.ts'
import { LabClient, type ClientState, type TerminalListener } from '../../src/lab/lab-client.ts'
import { createTokenStore } from '../../src/lab/token-store.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** A server that says what a test tells it to: the real one cannot be made to fall silent. */
interface ScriptedServer {
  readonly base: string
  readonly received: ClientMessage[]
  readonly sockets: Set<ServerSocket>
  /** Answers a message; null leaves it without an answer. */
  answer: (message: ClientMessage) => object | null
  health: { status: number; body: string }
  send(message: object): void
  stop(): Promise<void>
}

const ready: LabState = {
  phase: 'ready',
  reason: null,
  error: null,
  progress: { membersUp: 3, membersTotal: 3, leader: 'etcd1', elapsedMs: 900 },
  idleEndsInMs: 1_800_000,
}
const facts = {
  version: '0.1.0',
  boot: 'b1',
  etcdVersion: '3.5.30',
  etcdOutdated: true,
  etcdFloor: '3.5.33',
  idleMinutes: 30,
}

function answerAs(lab: LabState | null): ScriptedServer['answer'] {
  return (message) => {
    switch (message.type) {
      case 'hello':
        return { type: 'welcome', id: message.id, protocol: 1, server: facts, lab }
      case 'terminal.attach':
        return {
          type: 'attached',
          id: message.id,
          terminal: message.terminal,
          firstSeq: 1,
          lastSeq: message.after,
          running: null,
          history: [],
        }
      default:
        return { type: 'done', id: message.id }
    }
  }
}

async function startScriptedServer(): Promise<ScriptedServer> {
  const http = createServer((_request, response) => {
    response.writeHead(script.health.status).end(script.health.body)
  })
  const web = new WebSocketServer({ server: http })
  web.on('connection', (socket) => {
    script.sockets.add(socket)
    socket.on('close', () => script.sockets.delete(socket))
    socket.on('message', (data: Buffer) => {
      const message = clientMessage.parse(JSON.parse(data.toString()))
      script.received.push(message)
      const answer = script.answer(message)
      if (answer) socket.send(JSON.stringify(answer))
    })
  })
  const script: ScriptedServer = {
    base: await listen(http),
    received: [],
    sockets: new Set(),
    answer: answerAs(ready),
    health: { status: 200, body: '{"ok":true,"etcdVersion":"3.5.30"}' },
    send: (message) => script.sockets.forEach((socket) => socket.send(JSON.stringify(message))),
    stop: async () => {
      script.sockets.forEach((socket) => socket.terminate())
      web.close()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return script
}

function listen(http: Server): Promise<string> {
  return new Promise((resolve) => {
    http.listen(0, '127.0.0.1', () => {
      const address = http.address()
      if (typeof address !== 'object' || address === null) throw new Error('no address')
      resolve(`http://127.0.0.1:${address.port}/`)
    })
  })
}

function memoryStorage() {
  const kept = new Map<string, string>()
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  }
}

describe("the page's client", () => {
  let server: ScriptedServer
  let client: LabClient
  let tokens: ReturnType<typeof createTokenStore>

  beforeEach(async () => {
    server = await startScriptedServer()
    vi.stubGlobal('location', new URL(server.base))
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    tokens = createTokenStore('/', memoryStorage())
  })
  afterEach(async () => {
    client.close()
    await server.stop()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })

  function connect(token: string | null = 'token-1'): LabClient {
    tokens.write(token)
    const socketUrl = server.base.replace('http:', 'ws:')
    client = new LabClient({ base: server.base, socketUrl, locale: 'en', tokens })
    client.open()
    return client
  }

  const until = (what: string, is: (state: ClientState) => boolean) =>
    waitFor(what, () => is(client.state()) || JSON.stringify(client.state()))
  const open = () => until('an open connection', (state) => state.connection === 'open')
  const sent = (type: ClientMessage['type']) =>
    server.received.filter((message) => message.type === type)

  function listener() {
    const seen: number[] = []
    const calls: string[] = []
    const heard: TerminalListener = {
      onAttached: ({ fresh }) => calls.push(fresh ? 'fresh' : 'found'),
      onEntries: (entries) => seen.push(...entries.map((entry) => entry.seq)),
      onDetached: () => calls.push('detached'),
      onFailed: (error) => calls.push(error.code),
    }
    return { seen, calls, heard }
  }
  const output = (seq: number) => ({ seq, kind: 'output', stream: 'stdout', text: 'x\n' })

  it('says hello with the token of this browser and learns of its lab', async () => {
    connect()
    await open()
    expect(sent('hello')).toMatchObject([{ token: 'token-1', locale: 'en', protocol: 1 }])
    expect(client.state()).toMatchObject({
      lab: { phase: 'ready' },
      server: { etcdVersion: '3.5.30' },
    })
  })

  it('delivers each entry once, in order, over a lost connection', async () => {
    connect()
    await open()
    const { seen, calls, heard } = listener()
    client.openTerminal('t', heard)
    await waitFor('the terminal', () => calls.includes('fresh') || calls.join())
    server.send({ type: 'entries', terminal: 't', entries: [output(1), output(2)] })
    await waitFor('two entries', () => seen.length === 2 || seen.join())

    server.sockets.forEach((socket) => socket.terminate())
    await waitFor('the second attach', () => sent('terminal.attach').length === 2 || 'one')
    expect(sent('terminal.attach')[1]).toMatchObject({ after: 2 })
    server.send({ type: 'entries', terminal: 't', entries: [output(2), output(3)] })
    await waitFor('the third entry', () => seen.includes(3) || seen.join())
    expect(seen).toEqual([1, 2, 3])
    expect(calls).toEqual(['fresh', 'detached', 'found'])
  })

  it('begins a terminal anew that the server no longer has', async () => {
    connect()
    await open()
    const { seen, calls, heard } = listener()
    client.openTerminal('t', heard)
    await waitFor('the terminal', () => calls.includes('fresh') || calls.join())
    server.send({ type: 'entries', terminal: 't', entries: [output(1), output(2)] })
    await waitFor('two entries', () => seen.length === 2 || seen.join())
    const answer = server.answer
    server.answer = (message) => ({ ...answer(message), lastSeq: 0 })
    server.sockets.forEach((socket) => socket.terminate())
    await waitFor('the fresh terminal', () => calls.length === 3 || calls.join())
    expect(calls[2]).toBe('fresh')
    server.send({ type: 'entries', terminal: 't', entries: [output(1)] })
    await waitFor('its first entry', () => seen.length === 3 || seen.join())
    expect(seen).toEqual([1, 2, 1])
  })

  it('notices a connection that has gone silent and makes a new one', async () => {
    connect()
    await open()
    const answer = server.answer
    server.answer = (message) => (message.type === 'ping' ? null : answer(message))
    client.check()
    await waitFor('a second hello', () => sent('hello').length === 2 || 'one hello')
    await open()
  })

  it('rejects what was asked when the connection is lost', async () => {
    connect()
    await open()
    server.answer = () => null
    const fault = client.fault('kill', 'leader')
    await waitFor('the request', () => sent('fault').length === 1 || 'nothing')
    server.sockets.forEach((socket) => socket.terminate())
    await expect(fault).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('keeps the token of a lab it has created', async () => {
    server.answer = (message) =>
      message.type === 'lab.create'
        ? { type: 'created', id: message.id, token: 'token-new', lab: ready }
        : answerAs(null)(message)
    connect(null)
    await client.createLab()
    expect(tokens.read()).toBe('token-new')
    expect(client.state()).toMatchObject({ creating: false, lab: { phase: 'ready' } })
  })

  it('keeps the reason why there is no lab to be had', async () => {
    const error = { code: 'LAB_LIMIT', message: 'full', details: { retryAfterMs: 42_000 } }
    server.answer = (message) =>
      message.type === 'lab.create'
        ? { type: 'failed', id: message.id, error }
        : answerAs(null)(message)
    connect(null)
    await client.createLab()
    expect(client.state()).toMatchObject({ creating: false, lab: null, error })
  })

  it('follows another tab to its new lab and draws its terminals anew', async () => {
    connect()
    await open()
    const { seen, calls, heard } = listener()
    client.openTerminal('t', heard)
    await waitFor('the terminal', () => calls.length > 0 || 'nothing')
    server.send({ type: 'entries', terminal: 't', entries: [output(1)] })
    await waitFor('an entry', () => seen.length === 1 || 'none')
    client.adoptToken('token-2')
    await waitFor('the second hello', () => sent('hello').length === 2 || 'one')
    expect(sent('hello')[1]).toMatchObject({ token: 'token-2' })
    await waitFor('the second attach', () => sent('terminal.attach').length === 2 || 'one')
    expect(sent('terminal.attach')[1]).toMatchObject({ after: 0 })
  })

  it('tells a server that shuts down from a lab that was ended', async () => {
    connect()
    await open()
    server.send({ type: 'lab', lab: { ...ready, phase: 'gone', reason: 'ended' } })
    server.send({ type: 'bye', reason: 'shutdown' })
    await until('the reason', (state) => state.lab?.reason === 'server-restarted')
  })

  it('forgets the token of a lab that its reader has ended', async () => {
    connect()
    await open()
    server.send({ type: 'lab', lab: { ...ready, phase: 'gone', reason: 'ended' } })
    await until('the end', (state) => state.lab?.phase === 'gone')
    expect(tokens.read()).toBeNull()
  })

  it('finds out that there is no lab server at all', async () => {
    server.health = { status: 404, body: '<h1>Not found</h1>' }
    server.answer = () => null
    connect()
    await waitFor('the socket', () => server.sockets.size === 1 || 'none')
    server.sockets.forEach((socket) => socket.terminate())
    await until('absence', (state) => state.connection === 'absent')
  })

  it('does not try again when the server speaks another version', async () => {
    const error = { code: 'PROTOCOL_VERSION', message: 'newer', details: {} }
    server.answer = (message) => ({ type: 'failed', id: message.id, error })
    connect()
    await until('refusal', (state) => state.connection === 'refused')
    expect(sent('hello')).toHaveLength(1)
  })

  it('survives frames that make no sense', async () => {
    connect()
    await open()
    server.sockets.forEach((socket) => {
      socket.send('{')
      socket.send('null')
      socket.send('{"type":"from-the-future","x":1}')
      socket.send(Buffer.from([0, 1, 2]))
    })
    server.send({ type: 'lab', lab: { ...ready, phase: 'ending' }, extra: 'tolerated' })
    await until('the next message', (state) => state.lab?.phase === 'ending')
    expect(client.state().connection).toBe('open')
  })

  it('asks for snapshots only while somebody looks', async () => {
    connect()
    await open()
    const stop = client.watchCluster(() => {})
    const second = client.watchCluster(() => {})
    client.setVisible(false)
    client.setVisible(true)
    second()
    stop()
    await waitFor(
      'four changes',
      () => sent('cluster.watch').length === 4 || `${sent('cluster.watch').length}`,
    )
    expect(sent('cluster.watch')).toMatchObject([
      { on: true },
      { on: false },
      { on: true },
      { on: false },
    ])
  })
})
