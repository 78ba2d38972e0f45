import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LabError } from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../clock.ts'
import type { Labs } from '../lab/labs.ts'
import { createApp, type Health } from './app.ts'
import { createEdge, type Edge } from './edge.ts'
import type { ServerFacts } from './session.ts'
import { createSocketServer } from './socket-server.ts'

export interface WebServerOptions {
  readonly host: string
  readonly port: number
  readonly basePath: string
  readonly publicUrl: URL | null
  readonly allowedOrigins: readonly string[]
  readonly siteDir: string
  readonly health: () => Health
  readonly labs: Labs
  readonly facts: ServerFacts
  readonly clock: Clock
  readonly logger: Logger
}

/** The one port of the lab server. */
export interface WebServer {
  /** As reached from this machine. */
  readonly url: string
  /** Takes no new connection and says `bye` to every tab. */
  bye(): void
  /** Ends every connection. Idempotent. */
  close(): Promise<void>
}

/** Rejects `CONFIG` with what to do when the port cannot be had. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  let edge: Edge | null = null
  const app = createApp({ ...options, edge: () => edge })
  // Slow senders must not hold a connection: requests have no body here, headers come at once.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 10_000 }
  // Node looks for them only so often; its default of 30 s would be the real limit.
  const server = createServer({ ...timeouts, connectionsCheckingInterval: 1000 }, app)
  const sockets = createSocketServer({ ...options, server, edge: () => edge })
  const port = await listen(server, options.host, options.port)
  edge = createEdge({ ...options, port })
  return {
    url: describeUrl(options, port),
    bye: () => {
      server.close()
      sockets.bye()
    },
    close: () => {
      sockets.close()
      return closeServer(server)
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListen(error, host, port)))
    server.listen({ host, port }, () => resolve(boundPort(server)))
  })
}

function boundPort(server: Server): number {
  const address: string | AddressInfo | null = server.address()
  if (address === null || typeof address === 'string') {
    throw new LabError('INTERNAL', 'The web server listens on no TCP port')
  }
  return address.port
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): LabError {
  const explained: Partial<Record<string, string>> = {
    EADDRINUSE:
      `Port ${port} of ${host} is taken by another program (another lab server?).\n` +
      `  Stop that program, or choose another port: PORT=${port + 1} npm start (PORT=0 takes a free one).`,
    EACCES:
      `This user may not listen on port ${port} of ${host}.\n` +
      '  Ports below 1024 usually need root: choose a higher one, for example PORT=8080 npm start.',
    EADDRNOTAVAIL: `This machine has no address ${host}.\n  Set HOST to one of its own, or to 127.0.0.1.`,
    ENOTFOUND: `The name ${host} has no address.\n  Set HOST to an address of this machine, or to 127.0.0.1.`,
  }
  const message =
    explained[error.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${error.message}`
  return new LabError('CONFIG', message, { cause: error })
}

function describeUrl(options: WebServerOptions, port: number): string {
  const everywhere = options.host === '0.0.0.0' || options.host === '::'
  const name = everywhere ? 'localhost' : options.host
  const host = name.includes(':') ? `[${name}]` : name
  return `http://${host}${port === 80 ? '' : `:${port}`}${options.basePath}`
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
