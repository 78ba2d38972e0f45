import { setTimeout as delay } from 'node:timers/promises'
import { Etcd3 } from 'etcd3'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { BareGrpc } from './bare-grpc.ts'

export interface Writer {
  readonly name: string
  /** Instants of acknowledgement, `performance.now()`, since the last `forget`. */
  readonly acknowledged: readonly number[]
  /** Errors that reached the caller since the last `forget`. */
  readonly errors: readonly Error[]
  forget(): void
  stop(): Promise<void>
}

/** Between two writes: fine enough for a gap of a second, light enough for a small machine. */
const paceMs = 4

export function startOurs(endpoints: readonly string[]): Writer {
  const client = new EtcdClient({ endpoints })
  return startWriter('this client', {
    put: async (key, value) => {
      await client.put({ key, value })
    },
    close: () => client.close(),
  })
}

/** The etcd3 package as it comes. */
export function startDefaultEtcd3(endpoints: readonly string[]): Writer {
  const client = new Etcd3({ hosts: [...endpoints] })
  return startWriter('default etcd3', {
    put: async (key, value) => {
      await client.put(key).value(value)
    },
    close: () => client.close(),
  })
}

/** Round robin over the members with a deadline: what one writes in an afternoon. */
export function startBareGrpc(endpoints: readonly string[]): Writer {
  const hosts = endpoints.map((url) => new BareGrpc(url))
  let turn = 0
  return startWriter('bare grpc-js', {
    put: async (key, value) => {
      const host = hosts[turn % hosts.length]
      turn += 1
      await host?.put(key, value, 700)
    },
    close: () => {
      for (const host of hosts) host.close()
    },
  })
}

function startWriter(
  name: string,
  client: { put: (key: string, value: string) => Promise<void>; close: () => void },
): Writer {
  let acknowledged: number[] = []
  let errors: Error[] = []
  let running = true
  const write = async (): Promise<void> => {
    for (let n = 0; running; n += 1) {
      try {
        await client.put(`bench/${name}`, String(n))
        acknowledged.push(performance.now())
      } catch (error) {
        // What reaches the caller is a result here, not a failure of the benchmark.
        errors.push(error instanceof Error ? error : new Error(String(error)))
      }
      await delay(paceMs)
    }
  }
  const writing = write()
  return {
    name,
    get acknowledged() {
      return acknowledged
    },
    get errors() {
      return errors
    },
    forget() {
      acknowledged = acknowledged.slice(-1)
      errors = []
    },
    async stop() {
      running = false
      await writing
      client.close()
    },
  }
}
