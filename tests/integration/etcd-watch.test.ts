import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'
import type { WatchBatch, WatchEvent } from '../../lab-server/etcd/etcd-calls.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { LabError } from '../../protocol/index.ts'
import { compact } from '../helpers/compact.ts'
import { startEtcdCluster, type EtcdCluster } from '../helpers/etcd-cluster.ts'
import { waitFor } from '../helpers/wait-for.ts'

let cluster: EtcdCluster
const clients: EtcdClient[] = []

beforeAll(async () => {
  cluster = await startEtcdCluster()
})

afterAll(async () => {
  await cluster.close()
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const client of clients.splice(0)) client.close()
  await cluster.heal()
})

function connect(endpoints: readonly string[] = cluster.endpoints): EtcdClient {
  const client = new EtcdClient({ endpoints })
  clients.push(client)
  return client
}

interface Recording {
  readonly batches: WatchBatch[]
  readonly events: WatchEvent[]
  /** Resolves when the watch has ended by itself, with what it threw. */
  readonly ended: Promise<LabError | null>
  stop(): Promise<LabError | null>
}

function record(client: EtcdClient, prefix: string, fromRevision?: string): Recording {
  const stopping = new AbortController()
  const batches: WatchBatch[] = []
  const events: WatchEvent[] = []
  const run = async (): Promise<LabError | null> => {
    try {
      const request = { prefix, signal: stopping.signal }
      const watch = client.watch(
        fromRevision === undefined ? request : { ...request, fromRevision },
      )
      for await (const batch of watch) {
        batches.push(batch)
        events.push(...batch.events)
      }
      return null
    } catch (error) {
      if (error instanceof LabError) return error
      throw error
    }
  }
  const ended = run()
  return {
    batches,
    events,
    ended,
    async stop() {
      stopping.abort()
      return ended
    },
  }
}

function identities(events: readonly WatchEvent[]): string[] {
  return events.map(({ type, kv }) => `${kv.modRevision} ${type} ${Buffer.from(kv.key).toString()}`)
}

async function revisionNow(client: EtcdClient): Promise<string> {
  return (await client.range({ key: 'any', countOnly: true })).header.revision
}

function after(revision: string): string {
  return (BigInt(revision) + 1n).toString()
}

/** The first batch with an event in it: before it, a watch may say that it is up to date. */
async function firstEvents(watch: AsyncGenerator<WatchBatch>): Promise<WatchBatch> {
  for (;;) {
    const next = await watch.next()
    if (next.done === true) throw new Error('the watch has ended')
    if (next.value.events.length > 0) return next.value
  }
}

async function arriveAt({ batches }: Recording, revision: string): Promise<void> {
  await waitFor('the watch to arrive at the end', () => {
    const last = batches.at(-1)?.revision ?? '0'
    return BigInt(last) >= BigInt(revision) || `at ${last} of ${revision}`
  })
}

describe('what a watch delivers', () => {
  it('tells puts, updates and deletes with what was there before', async () => {
    const client = connect()
    const recording = record(client, 'tell/', after(await revisionNow(client)))
    await client.put({ key: 'tell/a', value: 'one' })
    await client.put({ key: 'tell/a', value: 'two' })
    await client.put({ key: 'elsewhere', value: 'x' })
    await client.deleteRange({ key: 'tell/a' })
    await waitFor('three events', () => recording.events.length === 3 || 'fewer')
    expect(
      recording.events.map(({ type, kv, prevKv }) => [
        type,
        Buffer.from(kv.value).toString(),
        prevKv === null ? null : Buffer.from(prevKv.value).toString(),
      ]),
    ).toEqual([
      ['put', 'one', null],
      ['put', 'two', 'one'],
      ['delete', '', 'two'],
    ])
    await recording.stop()
  })

  it('delivers a transaction as one batch', async () => {
    const client = connect()
    const recording = record(client, 'batch/', after(await revisionNow(client)))
    const { header } = await client.txn({
      compare: [],
      success: ['a', 'b', 'c'].map((name) => ({ put: { key: `batch/${name}`, value: name } })),
    })
    await waitFor('the events', () => recording.events.length === 3 || 'fewer')
    const [batch] = recording.batches.filter((candidate) => candidate.events.length > 0)
    expect(batch?.events).toHaveLength(3)
    expect(batch?.revision).toBe(header.revision)
    await recording.stop()
  })

  it('delivers what happened after the call, however soon, when no revision is given', async () => {
    const client = connect()
    for (let round = 0; round < 20; round += 1) {
      const watch = client.watch({ prefix: 'soon/' })
      const first = firstEvents(watch)
      const { header } = await client.put({ key: 'soon/a', value: String(round) })
      await client.put({ key: 'soon/b', value: String(round) })
      // The watch may begin before or after the first put, never after the second.
      const { revision } = await first
      expect(BigInt(revision)).toBeGreaterThanOrEqual(BigInt(header.revision))
      await watch.return()
    }
  })

  it('says how far it has seen while nothing happens', async () => {
    const client = connect()
    const recording = record(client, 'quiet/', after(await revisionNow(client)))
    const { header } = await client.put({ key: 'unwatched', value: 'x' })
    await waitFor('progress past a write that is not watched', () => {
      const last = recording.batches.at(-1)?.revision ?? '0'
      return BigInt(last) >= BigInt(header.revision) || `at ${last}`
    })
    expect(recording.events).toEqual([])
    await recording.stop()
  })

  it('stays on its member, and says that it is up to date, while nothing is ever written', async () => {
    const opened = vi.spyOn(EtcdConnection.prototype, 'stream')
    const client = connect()
    const now = await revisionNow(client)
    const recording = record(client, 'idle/', after(now))
    // Three times what a silent member is granted.
    const end = performance.now() + 7000
    await waitFor(
      'seven seconds of news',
      () => (performance.now() > end ? true : `${recording.batches.length} batches`),
      { everyMs: 100 },
    )
    expect(opened).toHaveBeenCalledTimes(1)
    expect(recording.batches.length).toBeGreaterThanOrEqual(3)
    expect(recording.batches.every(({ revision }) => revision === now)).toBe(true)
    await recording.stop()
  })

  it('delivers more than one gRPC message can hold', async () => {
    const client = connect()
    const from = after(await revisionNow(client))
    const value = Buffer.alloc(1_000_000, 0xfe)
    for (let n = 0; n < 5; n += 1) await client.put({ key: 'large/same', value })
    const recording = record(client, 'large/', from)
    await waitFor('five large events', () => recording.events.length === 5 || 'fewer')
    expect(recording.events.every(({ kv }) => value.equals(kv.value))).toBe(true)
    await recording.stop()
  })

  it('waits for a slow consumer, holds little for it, and holds up nobody else', async () => {
    const client = connect()
    const from = after(await revisionNow(client))
    const value = Buffer.alloc(2000, 1)
    const total = 3000
    for (let n = 0; n < total; n += 100) {
      await client.txn({
        compare: [],
        success: Array.from({ length: 100 }, (_, k) => ({ put: { key: `slow/${n + k}`, value } })),
      })
    }
    const watch = client.watch({ prefix: 'slow/', fromRevision: from })
    const seen: string[] = []
    const take = async (): Promise<void> => {
      const { value: batch } = await watch.next()
      if (batch) seen.push(...identities(batch.events))
    }
    await take()
    // Longer than the silence after which a member that does not talk is given up.
    await delay(3000)
    const start = performance.now()
    await client.put({ key: 'fast', value: 'x' })
    expect(performance.now() - start).toBeLessThan(1000)
    while (seen.length < total) await take()
    expect(new Set(seen).size).toBe(total)
    expect(seen.map((line) => Number(line.split(' ')[0]))).toEqual(
      seen.map((line) => Number(line.split(' ')[0])).toSorted((a, b) => a - b),
    )
    await watch.return()
  })
})

describe('how a watch ends', () => {
  it('ends without an error when its signal aborts, its client closes, or its loop is left', async () => {
    const client = connect()
    const aborted = record(client, 'end/')
    const closed = record(client, 'end/')
    const left = client.watch({ prefix: 'end/' })
    const first = left.next()
    await waitFor('all to be told of a write', async () => {
      await client.put({ key: 'end/a', value: 'x' })
      return (aborted.events.length > 0 && closed.events.length > 0) || 'not yet'
    })
    await first
    await left.return()
    expect(await aborted.stop()).toBeNull()
    client.close()
    expect(await closed.ended).toBeNull()
    expect(await record(client, 'end/').ended).toBeNull()
  })

  it('says COMPACTED, and where history begins, when it asks for what is gone', async () => {
    const client = connect()
    const first = (await client.put({ key: 'old/a', value: '1' })).header.revision
    const second = (await client.put({ key: 'old/a', value: '2' })).header.revision
    await compact(cluster.endpoints[0] ?? '', second)
    const error = await record(client, 'old/', first).ended
    expect(error).toMatchObject({ code: 'COMPACTED', details: { compactRevision: second } })
  })

  it('says COMPACTED when history was compacted while its only member was away', async () => {
    const leader = await cluster.leader()
    const away = cluster.members.find((member) => member.name !== leader)
    if (away === undefined) throw new Error('there is no follower')
    const writer = connect(cluster.endpoints.filter((url) => url !== away.clientUrl))
    const recording = record(connect([away.clientUrl]), 'away/', after(await revisionNow(writer)))
    await writer.put({ key: 'away/a', value: '1' })
    await waitFor('the first event', () => recording.events.length > 0 || 'none')
    await cluster.kill(away.name)
    await writer.put({ key: 'away/a', value: '2' })
    const { header } = await writer.put({ key: 'away/a', value: '3' })
    await compact(writer.endpoints[0] ?? '', header.revision)
    await cluster.start(away.name)
    const error = await recording.ended
    expect(error).toMatchObject({
      code: 'COMPACTED',
      details: { compactRevision: header.revision },
    })
    expect(recording.events).toHaveLength(1)
  })
})

describe('a watch over faults', () => {
  it('loses, repeats and reorders nothing over ten deaths of the leader under write load', async () => {
    const client = connect()
    const watcher = connect()
    const from = after(await revisionNow(client))
    const recording = record(watcher, 'load/', from)
    const acknowledged: string[] = []
    let running = true
    const writer = async (name: string): Promise<void> => {
      for (let n = 0; running; n += 1) {
        const { header } = await client.put({ key: `load/${name}`, value: String(n) })
        acknowledged.push(`${header.revision} put load/${name}`)
        if (n % 10 === 9) {
          const gone = await client.deleteRange({ key: `load/${name}` })
          if (gone.deleted > 0) acknowledged.push(`${gone.header.revision} delete load/${name}`)
        }
      }
    }
    const writers = ['a', 'b', 'c'].map(writer)
    for (let round = 0; round < 10; round += 1) {
      const leader = await cluster.leader()
      await cluster.kill(leader)
      const before = acknowledged.length
      await waitFor('writes to go on', () => acknowledged.length > before + 30 || 'none')
      await cluster.start(leader)
    }
    running = false
    await Promise.all(writers)
    // A write that was made again after its first attempt was lost sight of may be there twice:
    // what counts is etcd's own history, read anew from the beginning.
    const end = await revisionNow(client)
    const history = record(connect(), 'load/', from)
    for (const reader of [recording, history]) await arriveAt(reader, end)
    const seen = identities(recording.events)
    expect(seen).toEqual(identities(history.events))
    const delivered = new Set(seen)
    expect(delivered.size).toBe(seen.length)
    expect(acknowledged.filter((write) => !delivered.has(write))).toEqual([])
    console.log(`${acknowledged.length} writes acknowledged, ${seen.length} events, none missing`)
    await Promise.all([recording.stop(), history.stop()])
  }, 120_000)

  it.each(['beside calls of another client', 'beside calls of the same client'] as const)(
    'goes on within seconds when the member it watches is frozen, %s',
    async (company) => {
      const watcher = connect()
      const recording = record(watcher, 'frozen/', after(await revisionNow(watcher)))
      await watcher.put({ key: 'frozen/start', value: 'x' })
      await waitFor('the first event', () => recording.events.length > 0 || 'none')
      const tooks: number[] = []
      // One of the three is the one being watched.
      for (const member of cluster.members) {
        const others = cluster.endpoints.filter((url) => url !== member.clientUrl)
        const writer = company === 'beside calls of another client' ? connect(others) : watcher
        await cluster.pause(member.name)
        const before = recording.events.length
        await writer.put({ key: 'frozen/a', value: member.name })
        const start = performance.now()
        await waitFor(
          `the event while ${member.name} is frozen`,
          () => recording.events.length > before || 'not yet',
          { timeoutMs: 6000, everyMs: 5 },
        )
        tooks.push(performance.now() - start)
        await cluster.heal()
      }
      console.log(`seen after ${tooks.map((took) => took.toFixed(0)).join(', ')} ms`)
      expect(Math.max(...tooks)).toBeLessThan(4000)
      await recording.stop()
    },
  )

  it('goes on after quorum was lost and every member was dead', async () => {
    const client = connect()
    const from = after(await revisionNow(client))
    const recording = record(client, 'dead/', from)
    await client.put({ key: 'dead/a', value: '1' })
    await waitFor('the first event', () => recording.events.length > 0 || 'none')
    for (const member of cluster.members) await cluster.kill(member.name)
    await delay(1000)
    await cluster.heal()
    const { header } = await client.put({ key: 'dead/a', value: '2' })
    await waitFor(
      `the event of revision ${header.revision}`,
      () =>
        recording.events.some(({ kv }) => kv.modRevision === header.revision) ||
        JSON.stringify(identities(recording.events)),
    )
    // The put may have taken effect twice: what counts is etcd's own history, read anew.
    const end = await revisionNow(client)
    const history = record(connect(), 'dead/', from)
    for (const reader of [recording, history]) await arriveAt(reader, end)
    expect(identities(recording.events)).toEqual(identities(history.events))
    await Promise.all([recording.stop(), history.stop()])
  })
})
