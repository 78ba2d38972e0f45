import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { limits } from '../../protocol/index.ts'
import { explainHost } from './app.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { Edge } from './edge.ts'

export interface SocketServerOptions extends ConnectionOptions {
  readonly server: Server
  readonly basePath: string
  readonly edge: () => Edge | null
}

/** The WebSocket endpoint `<base>ws`. */
export interface SocketServer {
  /** Says `bye` to every tab. */
  bye(): void
  /** Cuts off whoever is still there. */
  close(): void
}

interface Refusal {
  readonly status: 403 | 404 | 421
  readonly text: string
}

/**
 * A frame up to this is read and refused with an answer; a larger one ends the connection with
 * close code 1009 before it is in memory.
 */
const largestFrame = 16 * limits.frameBytes

export function createSocketServer(options: SocketServerOptions): SocketServer {
  const connections = new Set<Connection>()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: largestFrame,
    perMessageDeflate: false,
  })
  options.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refuse(request, options)
    if (refusal !== null) {
      options.logger.warn('WebSocket refused', { status: refusal.status, ...originOf(request) })
      answerRefusal(socket, refusal)
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(webSocket, options)
      connections.add(connection)
      webSocket.on('close', () => connections.delete(connection))
    })
  })
  return {
    bye: () => connections.forEach((connection) => connection.bye('shutdown')),
    close: () => connections.forEach((connection) => connection.terminate()),
  }
}

/** Exact comparisons only: whoever opens this socket may do everything with a lab it has a token of. */
function refuse(request: IncomingMessage, { basePath, edge }: SocketServerOptions): Refusal | null {
  const { host, origin } = request.headers
  const checks = edge()
  if (checks?.hostAllowed(host) !== true) return { status: 421, text: explainHost(host) }
  if (request.url?.split('?')[0] !== `${basePath}ws`) {
    return { status: 404, text: `The WebSocket is at ${basePath}ws\n` }
  }
  if (!checks.originAllowed(origin, host)) {
    const shown = JSON.stringify(origin ?? '')
    return { status: 403, text: `Pages of ${shown} may not use this lab server.\n` }
  }
  return null
}

function originOf(request: IncomingMessage): Record<string, string | undefined> {
  return { host: request.headers.host, origin: request.headers.origin }
}

function answerRefusal(socket: Duplex, { status, text }: Refusal): void {
  // The other side may be gone already; there is nobody left to tell.
  socket.on('error', () => socket.destroy())
  // Nor is its end of the connection waited for: one that never closes would hold up a shutdown.
  socket.once('finish', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      '',
      text,
    ].join('\r\n'),
  )
}
