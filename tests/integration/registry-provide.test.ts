import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import type { KeyWatcher } from '../../lab-server/etcd/key-watcher.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { Registration, Registry } from '../../lab-server/registry/registry.ts'
import type { LabError } from '../../protocol/index.ts'
import { readMetric } from '../helpers/etcd-metrics.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { startPlainEtcd, type PlainEtcd } from '../helpers/plain-etcd.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** One member is enough to count streams, watches and leases on. */
let etcd: PlainEtcd
let endpoint: string
const clients: EtcdClient[] = []
const service = { name: 'Many', version: '1.0' }

beforeAll(async () => {
  etcd = await startPlainEtcd()
  endpoint = etcd.endpoints[0] ?? ''
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  // The next test counts its own.
  await settleAt('no stream', countStreams, 0)
})
afterAll(async () => {
  await etcd.close()
})

function connect(): EtcdClient {
  const client = new EtcdClient({ endpoints: [endpoint] })
  clients.push(client)
  return client
}

function openRegistry(client: EtcdClient): Registry {
  const registry = createEtcdRegistry({ client })
  // Also when the test fails: nothing of it may go on in the next one.
  onTestFinished(() => registry.close())
  return registry
}

/** A few at a time, as a busy machine can bear. */
async function registerMany(registry: Registry, count: number): Promise<readonly Registration[]> {
  const registrations: Registration[] = []
  while (registrations.length < count) {
    const first = registrations.length + 1
    const ports = Array.from({ length: Math.min(50, count - first + 1) }, (_, i) => first + i)
    const group = ports.map((port) => registry.register(instanceAt(service, port)))
    registrations.push(...(await Promise.all(group)))
  }
  return registrations
}

const countStreams = () => readMetric(endpoint, 'etcd_debugging_mvcc_watch_stream_total')
const countWatches = () => readMetric(endpoint, 'etcd_debugging_mvcc_watcher_total')

async function revisionOf(client: EtcdClient): Promise<string> {
  return (await client.range({ key: 'any', countOnly: true })).header.revision
}

function after(revision: string): string {
  return (BigInt(revision) + 1n).toString()
}

async function settleAt(what: string, read: () => Promise<number>, wanted: number): Promise<void> {
  await waitFor(what, async () => {
    const found = await read()
    return found === wanted || `${found}, wanted ${wanted}`
  })
}

describe('many registrations of one process', () => {
  const count = 1050

  it('share one watch stream and have at most a thousand keys on a lease', async () => {
    const client = connect()
    const registry = openRegistry(client)
    const registrations = await registerMany(registry, count)

    await settleAt('a watch for each key', countWatches, count)
    expect(await countStreams()).toBe(1)
    const keysOf = await Promise.all(
      [...new Set(registrations.map((each) => each.lease().id))].map(async (id) => {
        return (await client.leaseTimeToLive(id, { keys: true })).keys.length
      }),
    )
    expect(keysOf.toSorted((a, b) => b - a)).toEqual([1000, 50])

    // Every one of them looks after its key all the same.
    await client.deleteRange({ prefix: '/rpc/' })
    await waitFor('every key to be back', async () => {
      const { count: back } = await client.range({ prefix: '/rpc/', countOnly: true })
      return back === count || `${back} of ${count}`
    })
    await registry.close()
    expect((await client.range({ prefix: '/rpc/', countOnly: true })).count).toBe(0)
    expect((await client.leases()).ids).toEqual([])
    await settleAt('no watch', countWatches, 0)
    await settleAt('no further stream', countStreams, 0)
  })

  it('move the revision by nothing in a minute, with 50 of them', async () => {
    const client = connect()
    const registry = openRegistry(client)
    const registrations = await registerMany(registry, 50)
    const before = await revisionOf(client)
    await delay(60_000)
    expect(await revisionOf(client)).toBe(before)
    expect((await client.range({ prefix: '/rpc/', countOnly: true })).count).toBe(50)
    expect(new Set(registrations.map((each) => each.state()))).toEqual(new Set(['registered']))
    await registry.close()
  }, 90_000)
})

describe('two calls for one key', () => {
  it('at the same time leave it to the later one', async () => {
    const client = connect()
    const registry = openRegistry(client)
    const earlier = registry.register(instanceAt(service, 1, { call: 'earlier' }))
    const later = registry.register(instanceAt(service, 1, { call: 'later' }))
    await expect(earlier).rejects.toMatchObject({ code: 'INTERRUPTED' })
    const { key } = await later
    const [kv] = (await client.range({ key })).kvs
    expect(Buffer.from(kv?.value ?? '').toString()).toContain('"call":"later"')
    expect(registry.registrations().map((each) => each.state())).toEqual(['registered'])
    await registry.close()
  })
})

describe('watches of single keys', () => {
  interface Heard {
    readonly events: string[]
    readonly ends: (LabError | null)[]
    readonly stop: () => void
  }

  function listen(watcher: KeyWatcher, key: string, fromRevision: string): Heard {
    const events: string[] = []
    const ends: (LabError | null)[] = []
    const stop = watcher.watch(key, fromRevision, {
      onBatch: (batch) => {
        for (const { type, kv } of batch.events)
          events.push(`${type} ${Buffer.from(kv.value).toString()}`)
      },
      onEnd: (error) => ends.push(error),
    })
    return { events, ends, stop }
  }

  async function hear({ events }: Heard, wanted: readonly string[]): Promise<void> {
    await waitFor(`${wanted.join(', ')} to be heard`, () => {
      return events.length >= wanted.length || `heard ${events.join(', ')}`
    })
    expect(events).toEqual(wanted)
  }

  it('hear what happens to their own key, from their own revision on', async () => {
    const client = connect()
    const watcher = client.watchKeys()
    const start = await revisionOf(client)
    await client.put({ key: 'one', value: 'a' })
    const one = listen(watcher, 'one', after(start))
    const two = listen(watcher, 'two', after(await revisionOf(client)))
    await client.put({ key: 'two', value: 'b' })
    await client.put({ key: 'one', value: 'c' })
    await client.deleteRange({ key: 'two' })
    await hear(one, ['put a', 'put c'])
    await hear(two, ['put b', 'delete '])
    await watcher.close()
    expect([one.ends, two.ends]).toEqual([[null], [null]])
  })

  it('end for themselves when their revision is compacted away', async () => {
    const client = connect()
    const watcher = client.watchKeys()
    const old = await revisionOf(client)
    await client.put({ key: 'kept', value: 'a' })
    const { header } = await client.put({ key: 'late', value: 'b' })
    const kept = listen(watcher, 'kept', after(header.revision))
    await client.put({ key: 'kept', value: 'c' })
    await hear(kept, ['put c'])
    await etcd.etcdctl(['compact', await revisionOf(client)])

    const late = listen(watcher, 'late', old)
    await waitFor('the late one to end', () => late.ends.length === 1 || 'it goes on')
    expect(late.ends[0]).toMatchObject({ code: 'COMPACTED' })
    await client.put({ key: 'kept', value: 'd' })
    await hear(kept, ['put c', 'put d'])
    expect(kept.ends).toEqual([])
    await watcher.close()
  })

  it('hear nothing once they are removed; the stream goes with the last and comes back', async () => {
    const client = connect()
    const watcher = client.watchKeys()
    const from = after(await revisionOf(client))
    const first = listen(watcher, 'first', from)
    const second = listen(watcher, 'second', from)
    await settleAt('two watches', countWatches, 2)
    first.stop()
    await settleAt('one watch', countWatches, 1)
    await client.put({ key: 'first', value: 'a' })
    await client.put({ key: 'second', value: 'b' })
    await hear(second, ['put b'])
    second.stop()
    // At once, while the former stream is still being closed.
    const again = listen(watcher, 'first', from)
    await hear(again, ['put a'])
    expect([first.events, first.ends, second.ends]).toEqual([[], [], []])
    await watcher.close()
    await settleAt('no further stream', countStreams, 0)
  })

  it('go on where they were after the death of their member', async () => {
    const client = connect()
    const watcher = client.watchKeys()
    const from = after(await revisionOf(client))
    const watched = ['death/1', 'death/2', 'death/3'].map((key) => {
      return { key, heard: listen(watcher, key, from) }
    })
    await client.put({ key: 'death/1', value: 'before' })
    await waitFor('the first to be heard', () => watched[0]?.heard.events.length === 1 || 'silence')
    await etcd.kill(endpoint)
    await etcd.start(endpoint)
    for (const { key } of watched.toReversed()) await client.put({ key, value: 'after' })
    for (const { key, heard } of watched) {
      // A put over a death may be executed twice: etcd's own count says how often it was.
      const puts = Number((await client.range({ key })).kvs[0]?.version)
      await waitFor(`all that happened to ${key}`, () => {
        return heard.events.length >= puts || `heard ${heard.events.join(', ')}`
      })
      expect(heard.events).toHaveLength(puts)
      expect(heard.events.at(-1)).toBe('put after')
    }
    await watcher.close()
  })

  it('end with their client', async () => {
    const client = connect()
    const watcher = client.watchKeys()
    const one = listen(watcher, 'one', after(await revisionOf(client)))
    await settleAt('a watch', countWatches, 1)
    client.close()
    expect(one.ends).toEqual([null])
    await settleAt('no watch', countWatches, 0)
    await watcher.close()
  })
})
