import { setTimeout as delay } from 'node:timers/promises'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { ITxnRequest, IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type {
  Registry,
  RegistryChange,
  ServiceInstance,
} from '../../lab-server/registry/registry.ts'
import { BareGrpc } from './bare-grpc.ts'
import {
  informationRow,
  type BenchContext,
  type Benchmark,
  type BenchResult,
  type BenchRow,
} from './benchmark.ts'
import { startBenchCluster } from './lab-cluster.ts'
import { median, percentile } from './statistics.ts'

const pairs = 1000
const warmUpPairs = 100
/** Difference of the medians, milliseconds. */
const bound = 0.5
const limitMs = 10_000
const leaseSeconds = 600
/** Lets what a trip leaves behind (a release, a closed stream) settle before the next one starts. */
const pauseMs = 3

/**
 * - `registry`: `register`, a transaction on a lease, until `watch` tells of it.
 * - `same write`: the same transaction on a lease by bare grpc-js, until a bare watch has it.
 * - `put`: the least that a client can do, a put without a lease.
 */
type RouteName = 'registry' | 'same write' | 'put'

/** One way from a registration to a watcher; milliseconds for one trip. */
interface Route {
  trip(): Promise<number>
  close(): Promise<void>
}

export const watchLatency: Benchmark = {
  name: 'watch-latency',
  summary: 'from a registration to the watcher that sees it, beside a bare grpc-js put and watch',
  async run(context) {
    const cluster = await startBenchCluster()
    try {
      const leader = await cluster.settledLeader()
      const url = cluster.members.find(({ name }) => name === leader.name)?.clientUrl ?? ''
      return await comparePairs(url, context)
    } finally {
      await cluster.close()
    }
  },
}

/** Both by way of the same member, since members hear of a write one after the other. */
async function comparePairs(url: string, context: BenchContext): Promise<BenchResult> {
  const routes: Record<RouteName, Route> = {
    registry: await openRegistryRoute(url),
    'same write': await openBareRoute(url, 'same write'),
    put: await openBareRoute(url, 'put'),
  }
  const samples: Record<RouteName, number[]> = { registry: [], 'same write': [], put: [] }
  const names: readonly RouteName[] = ['registry', 'same write', 'put']
  const count = context.rounds ?? pairs
  try {
    for (let pair = -warmUpPairs; pair < count; pair += 1) {
      context.signal.throwIfAborted()
      // Everyone comes after everyone else equally often.
      const turn = (pair + warmUpPairs) % names.length
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        const took = await routes[name].trip()
        if (pair >= 0) samples[name].push(took)
        await delay(pauseMs)
      }
      if (pair > 0 && pair % 250 === 0) context.progress(`watch-latency ${pair}/${count}`)
    }
  } finally {
    for (const name of names) await routes[name].close()
  }
  return summarize(samples)
}

async function openRegistryRoute(url: string): Promise<Route> {
  const providers = openRegistry(url)
  const consumers = openRegistry(url)
  const stop = new AbortController()
  const seen = new Arrivals()
  const service = { name: 'BenchService', version: '1.0' }
  const watching = follow(consumers.registry, stop.signal, (change) => {
    if (change.type === 'added') seen.arrive(change.found.key)
  })
  // The lease is there before the first trip, as it is for a process that has registered anything.
  const first = await providers.registry.register(instanceAt(1))
  await seen.wait(first.key)
  let port = 1

  async function follow(
    registry: Registry,
    signal: AbortSignal,
    onChange: (change: RegistryChange) => void,
  ): Promise<void> {
    for await (const change of registry.watch(service, { signal })) onChange(change)
  }

  return {
    async trip() {
      port = (port % 60_000) + 2
      const start = performance.now()
      const registration = await providers.registry.register(instanceAt(port))
      const at = await seen.wait(registration.key)
      await registration.release()
      return at - start
    },
    async close() {
      stop.abort()
      await watching
      await Promise.all([providers.close(), consumers.close()])
    },
  }
}

function openRegistry(url: string): { registry: Registry; close: () => Promise<void> } {
  const client = new EtcdClient({ endpoints: [url] })
  const registry = createEtcdRegistry({ client })
  return {
    registry,
    async close() {
      await registry.close()
      client.close()
    },
  }
}

function instanceAt(port: number): ServiceInstance {
  return {
    serviceName: 'BenchService',
    serviceVersion: '1.0',
    serviceHost: 'localhost',
    servicePort: port,
    serviceGroup: 'default',
  }
}

async function openBareRoute(url: string, write: 'same write' | 'put'): Promise<Route> {
  const writer = new BareGrpc(url)
  const watcher = new BareGrpc(url)
  const seen = new Arrivals()
  const prefix = `bench/${write}/`
  const lease = await writer.leaseGrant(leaseSeconds, limitMs)
  const stream = watcher.watch()
  const ended: PromiseWithResolvers<void> = Promise.withResolvers()
  stream.on('error', () => ended.resolve())
  stream.on('data', ({ created, events }: IWatchResponse) => {
    if (created) seen.arrive('created')
    for (const { kv } of events) seen.arrive(kv.key.toString())
  })
  watchPrefix(stream, prefix)
  await seen.wait('created')
  let count = 0
  return {
    async trip() {
      count += 1
      const key = `${prefix}${count}`
      const start = performance.now()
      const value = JSON.stringify(instanceAt(count))
      if (write === 'put') await writer.put(key, value, limitMs)
      else await writer.txn(registration(key, value, lease), limitMs)
      return (await seen.wait(key)) - start
    },
    async close() {
      stream.cancel()
      await ended.promise
      writer.close()
      watcher.close()
    },
  }
}

/** What `register` sends: a put on a lease, if nobody else is there. */
function registration(name: string, text: string, lease: string): ITxnRequest {
  const key = Buffer.from(name)
  return {
    compare: [{ key, target: 'Mod', result: 'Equal', mod_revision: '0' }],
    success: [{ request_put: { key, value: Buffer.from(text), lease } }],
    failure: [{ request_range: { key } }],
  }
}

function watchPrefix(
  stream: ClientDuplexStream<IWatchRequest, IWatchResponse>,
  prefix: string,
): void {
  const end = `${prefix.slice(0, -1)}0`
  stream.write({ create_request: { key: Buffer.from(prefix), range_end: Buffer.from(end) } })
}

/** When what arrived; asked for before or after. */
class Arrivals {
  readonly #instants = new Map<string, number>()
  readonly #waiting = new Map<string, (at: number) => void>()

  arrive(name: string): void {
    const at = performance.now()
    const waiting = this.#waiting.get(name)
    if (waiting === undefined) this.#instants.set(name, at)
    else waiting(at)
  }

  async wait(name: string): Promise<number> {
    const known = this.#instants.get(name)
    this.#instants.delete(name)
    if (known !== undefined) return known
    const arrival = Promise.withResolvers<number>()
    const timer = setTimeout(
      () => arrival.reject(new Error(`${name} was not seen within ${limitMs} ms`)),
      limitMs,
    )
    this.#waiting.set(name, arrival.resolve)
    try {
      return await arrival.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(name)
    }
  }
}

function summarize(samples: Record<RouteName, number[]>): BenchResult {
  const differences = (['same write', 'put'] as const).map((beside) => {
    const difference = median(samples.registry) - median(samples[beside])
    return {
      name: `watch-latency: difference of the medians, bare ${beside} (n = ${samples.registry.length})`,
      value: difference,
      unit: 'ms',
      baseline: null,
      ratio: null,
      bound,
      ok: difference <= bound,
    }
  })
  const shares = (['same write', 'put'] as const).flatMap((beside) => [
    besideRow(`median, bare ${beside}`, samples, beside, 0.5),
    besideRow(`99th percentile, bare ${beside}`, samples, beside, 0.99),
  ])
  return {
    rows: [...differences, ...shares],
    samples: {
      registry: samples.registry,
      'bare grpc-js, same write': samples['same write'],
      'bare grpc-js, put': samples.put,
    },
  }
}

function besideRow(
  what: string,
  samples: Record<RouteName, number[]>,
  beside: RouteName,
  rank: number,
): BenchRow {
  const value = percentile(samples.registry, rank)
  const baseline = percentile(samples[beside], rank)
  return informationRow({
    name: `watch-latency: ${what}`,
    value,
    unit: 'ms',
    baseline,
    ratio: value / baseline,
  })
}
