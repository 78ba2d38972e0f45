import { connect as connectTcp } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { limits, protocolVersion } from '../../protocol/index.ts'
import { startLabServer, type LabServer } from '../helpers/lab-server.ts'
import { WsClient } from '../helpers/ws-client.ts'
import { waitFor } from '../helpers/wait-for.ts'

const aNumber: unknown = expect.any(Number)
const aVersion: unknown = expect.stringMatching(/^3\./)

let server: LabServer

beforeAll(async () => {
  server = await startLabServer()
})
afterAll(() => server.close())

/** The server still serves others: what every hostile input must leave true. */
async function expectServes(): Promise<void> {
  const client = await WsClient.connect(server)
  expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'done' })
  await client.close()
}

const failures = (client: WsClient) =>
  client.received.flatMap((message) => (message.type === 'failed' ? [message] : []))

async function waitForFailure(client: WsClient, count = 1) {
  await waitFor(`failure ${String(count)}`, () => failures(client).length >= count || 'none')
  const failure = failures(client)[count - 1]
  if (failure === undefined) throw new Error('no failure')
  return failure
}

describe('the handshake', () => {
  test.each([
    ['another site', 'https://evil.example'],
    ['another port of this machine', 'http://127.0.0.1:1'],
    ['a sandboxed page', 'null'],
    ['another name of this machine', 'http://localhost:1'],
  ])('refuses %s', async (_name, origin) => {
    await expect(WsClient.open(server, { origin })).rejects.toThrow('403')
  })

  test('refuses a Host that is not its own, even with the Origin to match', async () => {
    const options = { origin: 'http://evil.example', headers: { host: 'evil.example' } }
    await expect(WsClient.open(server, options)).rejects.toThrow('421')
  })

  test('refuses a client without an Origin', async () => {
    const socket = connectTcp(server.port, '127.0.0.1')
    socket.write(upgradeWithoutOrigin(server))
    const answer = await readText(socket)
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
    expect(answer).toContain('may not use this lab server')
  })

  test('is over when it is refused, though the client never closes: the server can end', async () => {
    const own = await startLabServer()
    const socket = connectTcp({ port: own.port, host: '127.0.0.1', allowHalfOpen: true })
    // The server may reset what is left of the connection.
    socket.on('error', () => undefined)
    socket.write(upgradeWithoutOrigin(own))
    expect(await readText(socket)).toContain('403')
    own.signal('SIGTERM')
    expect(await own.exited()).toEqual({ code: 0, signal: null })
    socket.destroy()
    await own.close()
  })

  test('is nowhere but at its own path', async () => {
    const elsewhere = { ...server, socketUrl: server.socketUrl.replace(/ws$/, 'socket') }
    await expect(WsClient.open(elsewhere)).rejects.toThrow('404')
  })
})

describe('hello', () => {
  test('is answered with the facts of the server', async () => {
    const client = await WsClient.open(server)
    expect(await client.hello()).toMatchObject({
      protocol: protocolVersion,
      server: { etcdVersion: aVersion, idleMinutes: 30 },
      lab: null,
    })
    await client.close()
  })

  test('must come within two seconds', async () => {
    const started = performance.now()
    const client = await WsClient.open(server)
    expect(await client.closed()).toMatchObject({ code: 1008 })
    expect(performance.now() - started).toBeGreaterThan(limits.helloMs - 50)
    expect(failures(client)).toMatchObject([{ id: null, error: { code: 'HELLO_REQUIRED' } }])
  })

  test('must be the first message', async () => {
    const client = await WsClient.open(server)
    expect(await client.ask({ type: 'lab.create' })).toMatchObject({
      type: 'failed',
      error: { code: 'HELLO_REQUIRED' },
    })
    expect(await client.closed()).toMatchObject({ code: 1008 })
  })

  test('of another version of the protocol is told so, whatever its fields', async () => {
    const client = await WsClient.open(server)
    client.sendRaw(JSON.stringify({ type: 'hello', id: 7, protocol: 99, later: true }))
    await client.closed()
    expect(client.received).toMatchObject([
      { type: 'failed', id: 7, error: { code: 'PROTOCOL_VERSION' } },
      { type: 'bye', reason: 'protocol' },
    ])
  })

  test.each([
    [
      'of an earlier start of the server',
      `${'0'.repeat(12)}.${'A'.repeat(43)}`,
      'server-restarted',
    ],
    ['that is no token at all', 'x'.repeat(256), null],
    ['that is empty', '', null],
  ])('explains a token %s', async (_name, token, reason) => {
    const client = await WsClient.open(server)
    const { lab } = await client.hello(token)
    expect(lab?.reason ?? null).toBe(reason)
    expect(await client.ask({ type: 'cluster.watch', on: true })).toMatchObject({
      error: { code: 'NO_LAB' },
    })
    await client.close()
  })

  test('with a guessed token of this start leads to no lab', async () => {
    const response = await fetch(new URL('healthz', server.url))
    const { boot } = (await response.json()) as { boot: string }
    const client = await WsClient.open(server)
    const { lab } = await client.hello(`${boot}.${'A'.repeat(43)}`)
    expect(lab).toMatchObject({ phase: 'gone', reason: 'unknown' })
    await client.close()
  })
})

describe('a frame', () => {
  test.each([
    ['that is not JSON', '{', null],
    ['that is empty', '', null],
    ['that is null', 'null', null],
    ['that is a list', '[]', null],
    ['of an unknown type', '{"type":"reboot","id":3}', 3],
    ['without its fields', '{"type":"terminal.run","id":4}', 4],
    ['with an unknown field', '{"type":"ping","id":5,"extra":1}', 5],
    ['with a prototype in it', '{"type":"ping","id":6,"__proto__":{"a":1}}', 6],
    ['with a negative id', '{"type":"ping","id":-1}', null],
    ['with a fractional id', '{"type":"ping","id":1.5}', null],
    ['with a wrong terminal', '{"type":"terminal.attach","id":8,"terminal":"../x","after":0}', 8],
    ['that is deeply nested', '['.repeat(30_000), null],
  ])('%s is refused and the connection lives on', async (_name, data, id) => {
    const client = await WsClient.connect(server)
    client.sendRaw(data)
    expect(await waitForFailure(client)).toMatchObject({ id, error: { code: 'BAD_FRAME' } })
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'done' })
    await client.close()
  })

  test('that is binary is refused', async () => {
    const client = await WsClient.connect(server)
    client.sendRaw(Buffer.from([0, 255, 1]))
    expect(await waitForFailure(client)).toMatchObject({ error: { code: 'BAD_FRAME' } })
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'done' })
    await client.close()
  })

  test('that is too large is refused with its size and the limit', async () => {
    const client = await WsClient.connect(server)
    client.sendRaw(JSON.stringify({ type: 'ping', id: 1, pad: 'x'.repeat(limits.frameBytes) }))
    expect(await waitForFailure(client)).toMatchObject({
      error: { code: 'FRAME_TOO_LARGE', details: { max: limits.frameBytes } },
    })
    expect(await client.ask({ type: 'ping' })).toMatchObject({ type: 'done' })
    await client.close()
  })

  test('with a line of a megabyte and more ends its own connection only', async () => {
    const client = await WsClient.connect(server)
    client.sendRaw(JSON.stringify({ type: 'terminal.run', id: 1, line: 'x'.repeat(1_100_000) }))
    expect(await client.closed()).toMatchObject({ code: 1009 })
    await expectServes()
  })

  test('that breaks the WebSocket protocol ends its own connection only', async () => {
    const client = await WsClient.connect(server)
    const { socket } = connectionOf(client)
    socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    expect((await client.closed()).code).toBeGreaterThan(1000)
    await expectServes()
  })
})

describe('a flood', () => {
  test('of messages meets a limit, is told when to go on, and is then ended', async () => {
    const client = await WsClient.connect(server)
    for (let id = 1000; id < 2000; id += 1) client.sendRaw(JSON.stringify({ type: 'ping', id }))
    expect(await client.closed()).toMatchObject({ code: 1008 })
    const answered = client.received.filter((message) => message.type === 'done').length
    expect(answered).toBeGreaterThan(50)
    expect(answered).toBeLessThan(200)
    expect(failures(client)[0]).toMatchObject({
      error: { code: 'RATE_LIMIT', details: { retryAfterMs: aNumber } },
    })
    await expectServes()
  })

  test('of garbage is ended with RATE_LIMIT', async () => {
    const client = await WsClient.connect(server)
    for (let count = 0; count < 90; count += 1) client.sendRaw('garbage')
    expect(await client.closed()).toMatchObject({ code: 1008 })
    expect(failures(client)[0]?.error.code).toBe('BAD_FRAME')
    expect(failures(client).at(-1)?.error.code).toBe('RATE_LIMIT')
    await expectServes()
  })
})

describe('without a lab', () => {
  test.each([
    { type: 'lab.end' },
    { type: 'lab.keep' },
    { type: 'terminal.attach', terminal: 't1', after: 0 },
    { type: 'terminal.run', terminal: 't1', line: 'help', locale: 'en', columns: 80 },
    { type: 'terminal.interrupt', terminal: 't1' },
    { type: 'complete', line: '', cursor: 0 },
    { type: 'cluster.watch', on: true },
    { type: 'fault', action: 'kill', target: 'leader' },
  ] as const)('$type is answered NO_LAB', async (request) => {
    const client = await WsClient.connect(server)
    expect(await client.ask(request)).toMatchObject({ type: 'failed', error: { code: 'NO_LAB' } })
    await client.close()
  })
})

function upgradeWithoutOrigin({ port }: LabServer): string {
  return [
    'GET /ws HTTP/1.1',
    `Host: 127.0.0.1:${String(port)}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n')
}

/** The TCP connection under a client, for what no WebSocket library would send. */
function connectionOf(client: WsClient): { socket: { write(data: Buffer): void } } {
  const { socket } = client
  if (!('_socket' in socket)) throw new Error('ws has no _socket any more')
  return { socket: socket._socket as { write(data: Buffer): void } }
}
