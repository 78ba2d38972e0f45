import {
  credentials,
  Metadata,
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
} from '@grpc/grpc-js'
import { Host } from 'etcd3/lib/connection-pool.js'
import type {
  ILeaseGrantResponse,
  IRangeResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
  Services,
} from 'etcd3/lib/rpc.js'

type Unary = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: Error | null, answer: unknown) => void,
) => void
type Watch = () => ClientDuplexStream<IWatchRequest, IWatchResponse>

/** grpc-js with generated stubs and nothing else: what the clients above it are compared with. */
export class BareGrpc {
  readonly #host: Host

  constructor(url: string, options: ChannelOptions = {}) {
    this.#host = new Host(url, credentials.createInsecure(), {
      ...options,
      // Apart from the sockets of whatever else runs in this process.
      'grpc.primary_user_agent': 'bare',
    })
  }

  async put(key: string, value: string, deadlineMs: number): Promise<void> {
    const request = { key: Buffer.from(key), value: Buffer.from(value) }
    await this.#unary('KV', 'put', request, deadlineMs)
  }

  async range(key: Buffer, end: Buffer, deadlineMs: number): Promise<IRangeResponse> {
    return (await this.#unary('KV', 'range', { key, range_end: end }, deadlineMs)) as IRangeResponse
  }

  async txn(request: ITxnRequest, deadlineMs: number): Promise<ITxnResponse> {
    return (await this.#unary('KV', 'txn', request, deadlineMs)) as ITxnResponse
  }

  /** Forgets everything older than this revision, decimal. */
  async compact(revision: string, deadlineMs: number): Promise<void> {
    await this.#unary('KV', 'compact', { revision, physical: false }, deadlineMs)
  }

  /** Resolves with the id, decimal. */
  async leaseGrant(ttlSeconds: number, deadlineMs: number): Promise<string> {
    const answer = await this.#unary('Lease', 'leaseGrant', { TTL: ttlSeconds, ID: 0 }, deadlineMs)
    return (answer as ILeaseGrantResponse).ID
  }

  watch(): ClientDuplexStream<IWatchRequest, IWatchResponse> {
    const client = this.#host.getServiceClient('Watch')
    const watch = stubMethod(client, 'watch') as Watch
    return watch.call(client)
  }

  close(): void {
    this.#host.close()
  }

  #unary(
    service: keyof typeof Services,
    method: string,
    request: object,
    deadlineMs: number,
  ): Promise<unknown> {
    const client = this.#host.getServiceClient(service)
    const call = stubMethod(client, method) as Unary
    const options = { deadline: Date.now() + deadlineMs }
    return new Promise((resolve, reject) => {
      call.call(client, request, new Metadata(), options, (error, answer) => {
        if (error === null) resolve(answer)
        else reject(error)
      })
    })
  }
}

/** The stubs are generated at run time, so that a method exists is all that can be checked. */
function stubMethod(client: Client, name: string): unknown {
  const found: unknown = Reflect.get(client, name)
  if (typeof found !== 'function') throw new Error(`etcd's API has no method ${name}`)
  return found
}
