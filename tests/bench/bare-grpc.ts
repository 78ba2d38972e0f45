import { credentials, Metadata, type Client, type ClientDuplexStream } from '@grpc/grpc-js'
import { Host } from 'etcd3/lib/connection-pool.js'
import type { IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'

type Put = (
  request: { key: Buffer; value: Buffer },
  metadata: Metadata,
  options: { deadline: number },
  done: (error: Error | null) => void,
) => void
type Watch = () => ClientDuplexStream<IWatchRequest, IWatchResponse>

/** grpc-js with generated stubs and nothing else: what the clients above it are compared with. */
export class BareGrpc {
  readonly #host: Host

  constructor(url: string) {
    this.#host = new Host(url, credentials.createInsecure(), {
      // Apart from the sockets of whatever else runs in this process.
      'grpc.primary_user_agent': 'bare',
    })
  }

  put(key: string, value: string, deadlineMs: number): Promise<void> {
    const client = this.#host.getServiceClient('KV')
    const put = stubMethod(client, 'put') as Put
    const request = { key: Buffer.from(key), value: Buffer.from(value) }
    const options = { deadline: Date.now() + deadlineMs }
    return new Promise((resolve, reject) => {
      put.call(client, request, new Metadata(), options, (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }

  watch(): ClientDuplexStream<IWatchRequest, IWatchResponse> {
    const client = this.#host.getServiceClient('Watch')
    const watch = stubMethod(client, 'watch') as Watch
    return watch.call(client)
  }

  close(): void {
    this.#host.close()
  }
}

/** The stubs are generated at run time, so that a method exists is all that can be checked. */
function stubMethod(client: Client, name: string): unknown {
  const found: unknown = Reflect.get(client, name)
  if (typeof found !== 'function') throw new Error(`etcd's API has no method ${name}`)
  return found
}
