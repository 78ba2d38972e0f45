import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { limits, protocolVersion } from '../../protocol/index.ts'
import { createManualClock, type ManualClock } from '../../tests/helpers/manual-clock.ts'
import { waitFor } from '../../tests/helpers/wait-for.ts'
import { Labs } from '../lab/labs.ts'
import { createBoot } from '../lab/token.ts'
import { createLogger } from '../logger.ts'
import { Connection } from './connection.ts'

const heartbeatMs = 15_000
const logger = createLogger({ level: 'silent', format: 'text' })
const facts = {
  version: '0',
  boot: '0',
  etcdVersion: '0',
  etcdOutdated: false,
  etcdFloor: '0',
  idleMinutes: 30,
}

let http: Server
let clock: ManualClock
let connection: Connection

beforeEach(async () => {
  clock = createManualClock()
  const labs = new Labs({
    boot: createBoot(),
    runDir: '/nowhere',
    max: 1,
    idleMs: 60_000,
    openParts: () => Promise.reject(new Error('no test here starts a lab')),
    clock,
    logger,
  })
  http = createServer()
  new WebSocketServer({ server: http }).on('connection', (socket) => {
    connection = new Connection(socket, { labs, facts, clock, logger })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
})

afterEach(() => {
  http.closeAllConnections()
  http.close()
})

/** A browser on a real socket; `deaf`: one that no longer answers pings, as behind a shut lid. */
async function openBrowser(options: { deaf?: boolean } = {}) {
  const address = http.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const socket = new WebSocket(`ws://127.0.0.1:${String(port)}`, {
    autoPong: options.deaf !== true,
  })
  const messages: unknown[] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())))
  const closed = once(socket, 'close').then(([code]: unknown[]) => code)
  await once(socket, 'open')
  return { socket, messages, closed }
}

async function sayHello(browser: Awaited<ReturnType<typeof openBrowser>>): Promise<void> {
  const hello = { type: 'hello', id: 1, protocol: protocolVersion, token: null, locale: 'en' }
  browser.socket.send(JSON.stringify(hello))
  await waitFor('the welcome', () => browser.messages.length > 0 || 'none')
}

test('a browser that says nothing is sent away when its time is over', async () => {
  const { messages, closed } = await openBrowser()
  clock.advance(limits.helloMs)
  expect(await closed).toBe(1008)
  expect(messages).toMatchObject([{ type: 'failed', error: { code: 'HELLO_REQUIRED' } }])
})

test('a browser that said hello may be silent, as long as it answers pings', async () => {
  const browser = await openBrowser()
  await sayHello(browser)
  for (let beat = 0; beat < 5; beat += 1) {
    const pinged = once(browser.socket, 'ping')
    clock.advance(heartbeatMs)
    await pinged
    // The pong travels behind the ping; a request behind the pong proves that it arrived.
    browser.socket.send(JSON.stringify({ type: 'ping', id: 100 + beat }))
    await waitFor('the answer', () => browser.messages.length >= beat + 2 || 'none')
  }
  expect(browser.socket.readyState).toBe(WebSocket.OPEN)
  browser.socket.close()
  expect(await browser.closed).toBe(1005)
})

test('a half-open connection is noticed and ended', async () => {
  const browser = await openBrowser({ deaf: true })
  await sayHello(browser)
  const pinged = once(browser.socket, 'ping')
  clock.advance(heartbeatMs)
  await pinged
  clock.advance(heartbeatMs)
  // 1006: cut off, without a closing handshake nobody would answer.
  expect(await browser.closed).toBe(1006)
})

test('no timer is left when the browser is gone', async () => {
  const browser = await openBrowser()
  await sayHello(browser)
  browser.socket.terminate()
  await waitFor('the timers to go', () => clock.waiting() === 0 || String(clock.waiting()))
})

test('a browser that does not answer the goodbye is cut off', async () => {
  const browser = await openBrowser()
  await sayHello(browser)
  browser.socket.pause()
  connection.bye('shutdown')
  clock.advance(2000)
  browser.socket.resume()
  await browser.closed
  expect(browser.messages.at(-1)).toEqual({ type: 'bye', reason: 'shutdown' })
  await waitFor('the timers to go', () => clock.waiting() === 0 || String(clock.waiting()))
})
