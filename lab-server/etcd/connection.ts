import type {
  CallOptions,
  ChannelOptions,
  Client,
  ClientDuplexStream,
  ClientUnaryCall,
  Metadata,
  ServiceError,
} from '@grpc/grpc-js'
import { ConnectionPool, type Host } from 'etcd3/lib/connection-pool.js'
import type { Services } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import { fromGrpcError } from './etcd-errors.ts'

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

export interface UnaryCall<T> {
  readonly answer: Promise<T>
  /** Tells the member to stop working on it; `answer` then rejects. Harmless when it has ended. */
  cancel(): void
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
 * load balancer, circuit breakers and retries. A call fails or answers once; what to do about it is
 * decided by whoever made it. Connecting happens on the first call and never blocks.
 */
export class EtcdConnection {
  readonly url: string
  readonly #pool: ConnectionPool
  #host: Promise<{ host: Host; metadata: Metadata }> | null = null
  #closed = false

  /** `purpose` separates connections: calls of different purposes never share a socket. */
  constructor(url: string, options: { purpose: string; pings?: PingOptions }) {
    this.url = url
    this.#pool = new ConnectionPool({
      hosts: url,
      grpcOptions: channelOptions(options.purpose, options.pings ?? politePings),
    })
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
      const { client, metadata } = await this.#stub(service)
      if (cancelled) throw new LabError('INTERRUPTED', `${method} was cancelled before it was sent`)
      const run = unaryMethod(client, method)
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

  /** A stream used for one question: sends one message, answers with the first that comes back. */
  once<T>(
    service: keyof typeof Services,
    method: string,
    request: object,
    deadlineMs: number,
  ): UnaryCall<T> {
    const attempted = `${method} on ${this.url}`
    let stream: ClientDuplexStream<unknown, T> | null = null
    let cancelled = false
    const start = async (): Promise<T> => {
      const { client, metadata } = await this.#stub(service)
      if (cancelled) throw new LabError('INTERRUPTED', `${method} was cancelled before it was sent`)
      const open = streamMethod<unknown, T>(client, method)
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
  async stream<Request, Response>(
    service: keyof typeof Services,
    method: string,
    options: { requireLeader: boolean },
  ): Promise<ClientDuplexStream<Request, Response>> {
    const { client, metadata } = await this.#stub(service)
    const own = metadata.clone()
    if (options.requireLeader) own.set('hasleader', 'true')
    const open = streamMethod<Request, Response>(client, method)
    return open.call(client, own, {})
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#pool.close()
  }

  async #stub(service: keyof typeof Services): Promise<{ client: Client; metadata: Metadata }> {
    try {
      this.#host ??= this.#pool.withConnection('KV', ({ resource, metadata }) => ({
        host: resource,
        metadata,
      }))
      const { host, metadata } = await this.#host
      return { client: host.getServiceClient(service), metadata }
    } catch (error) {
      if (!this.#closed) throw error
      throw new LabError('CLOSED', `the connection to ${this.url} is closed`, { cause: error })
    }
  }
}

function channelOptions(purpose: string, pings: PingOptions): ChannelOptions {
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
