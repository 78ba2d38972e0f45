import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { LabError } from '../../protocol/index.ts'
import { providerHost, type ProviderAnswer } from './provider-contract.ts'

export interface ProviderServer {
  readonly port: number
  /** Resolves when no call is being answered. */
  idle(): Promise<void>
  close(): void
}

/** Bytes of request line and headers together. */
const headerBytes = 2048
/** For a request to arrive, milliseconds. */
const arrivalMs = 2000
const mostConnections = 64

/**
 * A web page in the reader's browser can send a request to a port of loopback. So this answers with
 * its own name and a count, and does nothing else: it refuses a Host that is not its own address
 * (DNS rebinding), takes no body, and sends no header that would let another page read the answer.
 */
const answerHeaders = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  connection: 'close',
}

/** Listens at a free port of loopback. */
export async function serveCalls(name: string): Promise<ProviderServer> {
  const calls = new CallCounter()
  const server = createServer(
    {
      maxHeaderSize: headerBytes,
      headersTimeout: arrivalMs,
      requestTimeout: arrivalMs,
      connectionsCheckingInterval: arrivalMs / 4,
    },
    (request, response) => {
      calls.open(response)
      const refusal = refuse(request, portOf(server))
      if (refusal === null) answer(response, 200, { name, count: calls.next() })
      else answer(response, refusal, { error: refusal })
    },
  )
  server.maxConnections = mostConnections
  const port = await listen(server)
  return { port, idle: () => calls.idle(), close: () => server.close() }
}

/** The status of a request that gets no answer; null for a call. */
function refuse(request: IncomingMessage, port: number): number | null {
  const { headers } = request
  if (headers.host !== `${providerHost}:${port}`) return 421
  if (request.method !== 'GET') return 405
  if (request.url !== '/') return 404
  const hasBody =
    headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  return hasBody ? 413 : null
}

function answer(
  response: ServerResponse,
  status: number,
  body: ProviderAnswer | { error: number },
): void {
  response.writeHead(status, answerHeaders).end(JSON.stringify(body))
}

/** Counts the calls that were answered, and those that are being answered. */
class CallCounter {
  #answered = 0
  #open = 0
  #waiting: (() => void)[] = []

  open(response: ServerResponse): void {
    this.#open += 1
    response.once('close', () => {
      this.#open -= 1
      if (this.#open === 0) for (const resolve of this.#waiting.splice(0)) resolve()
    })
  }

  next(): number {
    this.#answered += 1
    return this.#answered
  }

  idle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new LabError('INTERNAL', `No port could be opened: ${cause.message}`, { cause }))
    })
    server.listen(0, providerHost, () => resolve(portOf(server)))
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
