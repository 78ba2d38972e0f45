import {
  credentials,
  Metadata,
  type CallOptions,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js'
import { Host } from 'etcd3/lib/connection-pool.js'
import type { Services } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import { fromGrpcError } from './etcd-errors.ts'
import type { TlsCredentials } from './tls-credentials.ts'

/** HTTP/2 pings on a connection that has calls in flight. */
export interface PingOptions {
  /** Pause between pings, milliseconds; must not be below the members' `--grpc-keepalive-min-time`. */
  readonly everyMs: number
  /** How long an answer may take before the connection is given up, milliseconds. */
  readonly timeoutMs: number
}

/**
 * etcd answers pings that come faster than every 5 s (its default) with GOAWAY, so what suits every
 * cluster stays above that.
 */
export const politePings: PingOptions = { everyMs: 6000, timeoutMs: 1500 }

export interface ConnectionOptions {
  /** Separates connections: calls of different purposes never share a socket. */
  readonly purpose: string
  readonly pings?: PingOptions
  /** For `https://`. Default: the authorities that Node trusts, and no certificate of our own. */
  readonly tls?: TlsCredentials
  /** Asked at the start of every call; null = none is sent. Default: none. */
  readonly token?: () => string | null
}

export interface UnaryCall<T> {
  readonly answer: Promise<T>
  /** Tells the member to stop working on it; `answer` then rejects. Harmless when it has ended. */
  cancel(): void
}

interface MetadataOptions {
  readonly requireLeader?: boolean
  readonly anonymous?: boolean
}

type UnaryMethod = (
  request: unknown,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, answer: unknown) => void,
) => ClientUnaryCall
type StreamMethod<Request, Response> = (
  metadata: Metadata,
  options: CallOptions,
) => ClientDuplexStream<Request, Response>

/**
 * One gRPC connection to exactly one member: the generated stubs of the etcd3 package without its
 * load balancer, circuit breakers, retries and credentials. A call fails or answers once; what to
 * do about it is decided by whoever made it. Connecting happens on the first call and never blocks.
 *
 * When the certificates are replaced, calls under way end on the old socket, streams are cancelled
 * (`UNAVAILABLE`), and everything that follows uses a new one.
 */
export class EtcdConnection {
  readonly url: string
  readonly #options: ConnectionOptions
  readonly #unfollow: () => void
  readonly #streams = new Set<{ cancel(): void }>()
  #host: Host
  #closed = false

  constructor(url: string, options: ConnectionOptions) {
    this.url = url
    this.#options = options
    this.#host = this.#openHost()
    this.#unfollow = options.tls?.follow(() => this.#replaceHost()) ?? (() => undefined)
  }

  /** True when the next call carries a token. */
  get sendsToken(): boolean {
    return (this.#options.token?.() ?? null) !== null
  }

  /** Starts one unary call. Rejects with `LabError`. */
  unary<T>(
    service: keyof typeof Services,
    method: string,
    request: object,
    deadlineMs: number,
  ): UnaryCall<T> {
    let call: ClientUnaryCall | null = null
    let cancelled = false
    const start = async (): Promise<T> => {
      // What fails before anything is sent fails like the rest: later, through the answer.
      await Promise.resolve()
      if (cancelled) throw new LabError('INTERRUPTED', `${method} was cancelled before it was sent`)
      const client = this.#stub(service)
      const run = unaryMethod(client, method)
      const metadata = this.#metadata()
      return new Promise<T>((resolve, reject) => {
        const options = { deadline: Date.now() + deadlineMs }
        call = run.call(client, request, metadata, options, (error, answer) => {
          if (error === null) resolve(answer as T)
          else reject(fromGrpcError(error, `${method} on ${this.url}`))
        })
      })
    }
    return {
      answer: start(),
      cancel: () => {
        cancelled = true
        call?.cancel()
      },
    }
  }

  /**
   * A stream used for one question: sends one message, answers with the first that comes back.
   * `requireLeader` as for `stream`, false by default; `anonymous` sends no token.
   */
  once<T>(
    service: keyof typeof Services,
    method: string,
    request: object,
    deadlineMs: number,
    options: MetadataOptions = {},
  ): UnaryCall<T> {
    const attempted = `${method} on ${this.url}`
    let stream: ClientDuplexStream<unknown, T> | null = null
    let cancelled = false
    const start = async (): Promise<T> => {
      await Promise.resolve()
      if (cancelled) throw new LabError('INTERRUPTED', `${method} was cancelled before it was sent`)
      const client = this.#stub(service)
      const open = streamMethod<unknown, T>(client, method)
      const metadata = this.#metadata(options)
      const opened = open.call(client, metadata, { deadline: Date.now() + deadlineMs })
      stream = opened
      return new Promise<T>((resolve, reject) => {
        opened.on('error', (error) => reject(fromGrpcError(error, attempted)))
        opened.on('end', () => reject(new LabError('UNAVAILABLE', `${attempted}: no answer`)))
        opened.on('data', (answer: T) => {
          resolve(answer)
          opened.end()
        })
        opened.write(request)
      })
    }
    return {
      answer: start(),
      cancel: () => {
        cancelled = true
        stream?.cancel()
      },
    }
  }

  /**
   * Opens one bidirectional stream without a deadline. `requireLeader` makes the member end it when
   * it has been without a leader for about three election timeouts.
   */
  stream<Request, Response>(
    service: keyof typeof Services,
    method: string,
    options: { requireLeader: boolean },
  ): ClientDuplexStream<Request, Response> {
    const client = this.#stub(service)
    const open = streamMethod<Request, Response>(client, method)
    const stream = open.call(client, this.#metadata(options), {})
    this.#streams.add(stream)
    // Comes after the end and after every error alike.
    stream.on('close', () => this.#streams.delete(stream))
    return stream
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#unfollow()
    this.#host.close()
  }

  #openHost(): Host {
    const { purpose, pings, tls } = this.#options
    const channel = !this.url.startsWith('https://')
      ? credentials.createInsecure()
      : (tls?.current ?? credentials.createSsl())
    return new Host(this.url, channel, channelOptions(purpose, pings ?? politePings))
  }

  #replaceHost(): void {
    if (!this.url.startsWith('https://')) return
    const former = this.#host
    this.#host = this.#openHost()
    // Closes the socket as soon as the calls under way are answered; a stream would keep it open.
    former.close()
    for (const stream of [...this.#streams]) stream.cancel()
  }

  #stub(service: keyof typeof Services): Client {
    if (this.#closed) throw new LabError('CLOSED', `the connection to ${this.url} is closed`)
    return this.#host.getServiceClient(service)
  }

  #metadata(options: MetadataOptions = {}): Metadata {
    const metadata = new Metadata()
    const token = this.#options.token?.() ?? null
    if (token !== null && options.anonymous !== true) metadata.set('token', token)
    if (options.requireLeader === true) metadata.set('hasleader', 'true')
    return metadata
  }
}

export function channelOptions(purpose: string, pings: PingOptions): ChannelOptions {
  return {
    // Channels with equal options share one socket, so this keeps the purposes apart.
    'grpc.primary_user_agent': `ming-registry-lab/${purpose}`,
    'grpc.keepalive_time_ms': pings.everyMs,
    'grpc.keepalive_timeout_ms': pings.timeoutMs,
    // A member that comes back must be found at once.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 500,
    // A list of many keys passes the default of 4 MiB.
    'grpc.max_receive_message_length': -1,
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
  }
}

// The stubs are generated from etcd's proto at run time, so their methods have no static type.

function unaryMethod(client: Client, method: string): UnaryMethod {
  const found: unknown = Reflect.get(client, method)
  if (typeof found !== 'function') throw noSuchMethod(method)
  return found as UnaryMethod
}

function streamMethod<Request, Response>(
  client: Client,
  method: string,
): StreamMethod<Request, Response> {
  const found: unknown = Reflect.get(client, method)
  if (typeof found !== 'function') throw noSuchMethod(method)
  return found as StreamMethod<Request, Response>
}

function noSuchMethod(method: string): LabError {
  return new LabError('INTERNAL', `etcd's API has no method ${method}`)
}
