import { setTimeout as delay } from 'node:timers/promises'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type {
  Registry,
  RegistryChange,
  ServiceInstance,
} from '../../lab-server/registry/registry.ts'
import { BareGrpc } from './bare-grpc.ts'
import { informationRow, type BenchContext, type Benchmark, type BenchResult } from './benchmark.ts'
import { startBenchCluster } from './lab-cluster.ts'
import { median, percentile } from './statistics.ts'

const pairs = 1000
const warmUpPairs = 100
/** Difference of the medians, milliseconds. */
const bound = 1
const limitMs = 10_000
/** Lets what a trip leaves behind (a release, a closed stream) settle before the next one starts. */
const pauseMs = 3

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
  const registry = await openRegistryRoute(url)
  const bare = await openBareRoute(url)
  const samples = { registry: [] as number[], bare: [] as number[] }
  const count = context.rounds ?? pairs
  try {
    for (let pair = -warmUpPairs; pair < count; pair += 1) {
      context.signal.throwIfAborted()
      const order =
        pair % 2 === 0 ? (['registry', 'bare'] as const) : (['bare', 'registry'] as const)
      for (const name of order) {
        const took = await (name === 'registry' ? registry : bare).trip()
        if (pair >= 0) samples[name].push(took)
        await delay(pauseMs)
      }
      if (pair > 0 && pair % 250 === 0) context.progress(`watch-latency ${pair}/${count}`)
    }
  } finally {
    await registry.close()
    await bare.close()
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

async function openBareRoute(url: string): Promise<Route> {
  const writer = new BareGrpc(url)
  const watcher = new BareGrpc(url)
  const seen = new Arrivals()
  const prefix = 'bench/watch/'
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
      await writer.put(key, JSON.stringify(instanceAt(count)), limitMs)
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

function summarize(samples: { registry: number[]; bare: number[] }): BenchResult {
  const ours = median(samples.registry)
  const bare = median(samples.bare)
  const difference = ours - bare
  return {
    rows: [
      {
        name: 'watch-latency: difference of the medians',
        value: difference,
        unit: 'ms',
        baseline: null,
        ratio: null,
        bound,
        ok: difference <= bound,
      },
      informationRow({
        name: 'watch-latency: median',
        value: ours,
        unit: 'ms',
        baseline: bare,
        ratio: ours / bare,
      }),
      informationRow({
        name: 'watch-latency: 99th percentile',
        value: percentile(samples.registry, 0.99),
        unit: 'ms',
        baseline: percentile(samples.bare, 0.99),
        ratio: percentile(samples.registry, 0.99) / percentile(samples.bare, 0.99),
      }),
    ],
    samples: { registry: samples.registry, 'bare grpc-js': samples.bare },
  }
}
