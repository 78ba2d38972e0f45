import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type {
  FollowChange,
  FollowedService,
  FollowingRegistry,
  Registration,
  RegistryChange,
  ServiceId,
} from '../../lab-server/registry/registry.ts'
import type { LabError } from '../../protocol/index.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { waitFor } from '../helpers/wait-for.ts'

let world: RegistryWorld<FollowingRegistry>
let registry: FollowingRegistry
let service: ServiceId
let count = 0
let snapshots: string
/** Longer than a busy machine takes to bring everybody back. */
const guardMs = 20_000

beforeAll(async () => {
  world = await createRegistryWorld((client) => createEtcdRegistry({ client, guardMs }))
})
afterAll(async () => {
  await world.close()
})
beforeEach(async () => {
  await world.heal()
  count += 1
  service = { name: `Followed${count}`, version: '1.0' }
  registry = world.open()
  snapshots = await mkdtemp(join(tmpdir(), 'ming-snapshots-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await registry.close()
  await rm(snapshots, { recursive: true })
})

const instance = (port: number, extra?: Record<string, unknown>) => instanceAt(service, port, extra)
const keyOf = (port: number): string => `/rpc/${service.name}:1.0/localhost:${port}`

/** A Range that reads keys, not one that only asks a member how far it is. */
function isList(method: string, request: object): boolean {
  return method === 'range' && 'count_only' in request && request.count_only === false
}

function ports(followed: FollowedService): number[] {
  const found = followed.current().instances.map(({ instance: each }) => each.servicePort)
  return found.toSorted((a, b) => a - b)
}

async function untilPorts(followed: FollowedService, wanted: readonly number[]): Promise<void> {
  await waitFor(`the ports ${wanted.join()}`, () => {
    const now = ports(followed).join()
    return now === wanted.join() || now
  })
}

function brief(change: FollowChange | RegistryChange): string {
  switch (change.type) {
    case 'added':
    case 'updated':
      return `${change.type} ${change.found.instance.servicePort}`
    case 'removed':
      return `removed ${change.instance?.servicePort ?? change.key} ${change.cause}`
    case 'undecodable':
      return `undecodable ${change.key}`
    case 'relisted':
      return `relisted ${change.because}`
    case 'trust':
      return change.trust
  }
}

function collect(changes: (signal: AbortSignal) => AsyncIterable<FollowChange | RegistryChange>) {
  const stop = new AbortController()
  const seen: string[] = []
  const ended = (async () => {
    for await (const change of changes(stop.signal)) seen.push(brief(change))
  })()
  return {
    seen,
    async until(line: string) {
      await waitFor(line, () => seen.includes(line) || seen.join(', '))
    },
    async stop() {
      stop.abort()
      await ended
    },
  }
}

/** A registry of its own process, in a manner of speaking, that keeps views on disk. */
function openKeeping(options: { endpoints?: string[] } = {}) {
  const endpoints = options.endpoints ?? world.driver.members().map((member) => member.clientUrl)
  const client = new EtcdClient({ endpoints })
  const troubles: LabError[] = []
  const keeping = createEtcdRegistry({
    client,
    guardMs,
    snapshotDir: snapshots,
    onTrouble: (error) => troubles.push(error),
  })
  return {
    keeping,
    troubles,
    async close() {
      await keeping.close()
      client.close()
    },
  }
}

describe('following a service', () => {
  it('serves from memory what etcd holds, and follows what changes', async () => {
    const first = await registry.register(instance(1))
    const followed = await registry.follow(service)
    expect(ports(followed)).toEqual([1])
    expect(followed.current()).toMatchObject({ trust: 'live', undecodable: [] })
    await registry.register(instance(2))
    await untilPorts(followed, [1, 2])
    await first.release()
    await untilPorts(followed, [2])
    expect(followed.current().ageMs).toBeLessThan(5000)
  })

  it('shows what one transaction writes all at once', async () => {
    const followed = await registry.follow(service)
    const views = new Set<string>()
    const stop = new AbortController()
    const looking = (async () => {
      for await (const { type } of followed.changes({ signal: stop.signal })) {
        if (type !== 'trust') views.add(ports(followed).join())
      }
    })()
    const put = (port: number) => ({
      put: { key: keyOf(port), value: JSON.stringify(instance(port)) },
    })
    await world.etcd.txn({ compare: [], success: [put(1), put(2), put(3)] })
    await untilPorts(followed, [1, 2, 3])
    await world.etcd.txn({ compare: [], success: [{ delete: { key: keyOf(1) } }, put(4)] })
    await untilPorts(followed, [2, 3, 4])
    await waitFor('the change', () => views.has('2,3,4') || [...views].join(' '))
    stop.abort()
    await looking
    expect(views).toEqual(new Set(['1,2,3', '2,3,4']))
  })

  it('tells each consumer of the differences, from the first instance on', async () => {
    await registry.register(instance(1))
    const followed = await registry.follow(service)
    const told = collect((signal) => followed.changes({ signal }))
    await told.until('live')
    await registry.register(instance(1, { weight: 2 }))
    await told.until('updated 1')
    await world.etcd.put({ key: keyOf(9), value: 'garbage' })
    await told.until(`undecodable ${keyOf(9)}`)
    await told.stop()
    expect(told.seen.slice(0, 2)).toEqual(['added 1', 'live'])
  })

  it('shares one list and one watch among all consumers of a service', async () => {
    await registry.register(instance(1))
    const unary = vi.spyOn(EtcdConnection.prototype, 'unary')
    const streams = vi.spyOn(EtcdConnection.prototype, 'stream')
    const own = world.open()
    const followed = await Promise.all(Array.from({ length: 1000 }, () => own.follow(service)))
    const lists = () =>
      unary.mock.calls.filter(([, method, request]) => isList(method, request)).length
    await world.etcd.put({ key: keyOf(2), value: JSON.stringify(instance(2)) })
    await waitFor('all to see both', () => {
      const behind = followed.filter((each) => ports(each).join() !== '1,2')
      return behind.length === 0 || `${behind.length} do not`
    })
    // The world's own client lists nothing here, and the registration's key is watched since before.
    expect(lists()).toBe(1)
    // One, or the few that one becomes when its member is slow.
    expect(streams.mock.calls.length).toBeLessThan(5)
    for (const each of followed) each.close()
    // The last one has ended it: the next one begins anew.
    expect(ports(await own.follow(service))).toEqual([1, 2])
    expect(lists()).toBe(2)
    await own.close()
  })

  it('waits for the service to appear, and rejects when etcd has no answer and nothing is kept', async () => {
    const followed = await registry.follow(service)
    expect(ports(followed)).toEqual([])
    const client = new EtcdClient({ endpoints: ['unix:///nowhere/etcd.sock'], deadlineMs: 300 })
    const blind = createEtcdRegistry({ client })
    await expect(blind.follow(service)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(registry.follow(service, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    await blind.close()
    client.close()
    await registry.close()
    await expect(registry.follow(service)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('says why an instance is gone, as far as etcd can tell', async () => {
    const keeper = await registry.register(instance(1))
    const deleted = await registry.register(instance(2))
    expect(deleted.lease()).toEqual(keeper.lease())
    const drained = await registry.register(instance(3))
    const { id } = await world.etcd.leaseGrant({ ttlSeconds: 60 })
    await world.etcd.put({ key: keyOf(4), value: JSON.stringify(instance(4)), lease: id })
    const followed = await registry.follow(service)
    const told = collect((signal) => followed.changes({ signal }))
    const watched = collect((signal) => registry.watch(service, { signal }))
    for (const each of [told, watched]) await each.until('added 4')
    await deleted.release()
    await drained.drain()
    for (const each of [told, watched]) await each.until('updated 3')
    await drained.release()
    await world.etcd.leaseRevoke(id)
    for (const each of [told, watched]) {
      await each.until('removed 2 deleted')
      await each.until('removed 3 drained')
      await each.until('removed 4 lease-ended')
      await each.stop()
    }
  })

  it('is stale while there is no quorum, serves what it knew, and is live again by itself', async () => {
    await registry.register(instance(1))
    const followed = await registry.follow(service)
    const told = collect((signal) => followed.changes({ signal }))
    await told.until('live')
    const [one, two] = world.driver.members()
    await world.driver.kill(one?.name ?? '')
    await world.driver.kill(two?.name ?? '')
    await told.until('stale')
    expect(ports(followed)).toEqual([1])
    expect(followed.current().ageMs).toBeGreaterThan(5000)
    await world.heal()
    await waitFor('live again', () => told.seen.at(-1) === 'live' || told.seen.join(', '))
    await told.stop()
    expect(told.seen).toEqual(['added 1', 'live', 'stale', 'live'])
  })
})

describe('views on disk', () => {
  it('let a consumer start while etcd is down, as stale, and give way to etcd when it answers', async () => {
    const provider = world.open()
    await provider.register(instance(1))
    const second = await provider.register(instance(2))
    const before = openKeeping()
    await before.keeping.follow(service)
    await before.close()
    await second.release()
    for (const { name } of world.driver.members()) await world.driver.kill(name)
    const after = openKeeping()
    const followed = await after.keeping.follow(service)
    expect(ports(followed)).toEqual([1, 2])
    expect(followed.current()).toMatchObject({ trust: 'stale', ageMs: null })
    await world.heal()
    await untilPorts(followed, [1])
    expect(followed.current().trust).toBe('live')
    await after.close()
    await provider.close()
  })

  it('are whole or not there; what cannot be used is reported and left aside', async () => {
    await registry.register(instance(1))
    const first = openKeeping()
    const followed = await first.keeping.follow(service)
    await registry.register(instance(2))
    await untilPorts(followed, [1, 2])
    await first.close()
    const [file = '', ...others] = await readdir(snapshots)
    expect(others).toEqual([])
    expect(await readFile(join(snapshots, file), 'utf8')).toContain(keyOf(2))
    await writeFile(join(snapshots, file), '{"format":1,')
    const second = openKeeping()
    expect(ports(await second.keeping.follow(service))).toEqual([1, 2])
    expect(second.troubles.map(({ code }) => code)).toEqual(['SNAPSHOT'])
    await second.close()
  })
})

describe('etcd restored from an older copy', () => {
  it.each([
    ['with its id', {}],
    ['as another cluster', { token: 'another' }],
  ])(
    'comes back %s: providers put themselves back, consumers lose none of them',
    async (_, options) => {
      const provider = world.open()
      const registrations: Registration[] = [
        await provider.register(instance(1), { ttlSeconds: 5 }),
      ]
      const copy = await world.save()
      registrations.push(await provider.register(instance(2), { ttlSeconds: 5 }))
      registrations.push(await provider.register(instance(3), { ttlSeconds: 10 }))
      // One that takes its time to notice, as a provider that only repeats its PUT does.
      const putSlow = async () => {
        const { id: lease } = await world.etcd.leaseGrant({ ttlSeconds: 60 })
        await world.etcd.put({ key: keyOf(4), value: JSON.stringify(instance(4)), lease })
      }
      await putSlow()
      // The history goes on, so that what is restored lies clearly behind.
      for (let n = 0; n < 20; n += 1) await world.etcd.put({ key: 'elsewhere', value: String(n) })
      const followed = await registry.follow(service)
      const told = collect((signal) => followed.changes({ signal }))
      const watched = collect((signal) => registry.watch(service, { signal }))
      for (const each of [told, watched]) await each.until('added 4')
      await told.until('live')

      await world.restore(copy, options)

      await told.until('guarded')
      await watched.until('relisted history-changed')
      expect(ports(followed)).toEqual([1, 2, 3, 4])
      await putSlow()
      await waitFor('every provider to be back in etcd', async () => {
        const { kvs } = await world.etcd.range({ prefix: `/rpc/${service.name}:1.0/` })
        const leases = new Set(kvs.map(({ lease }) => lease))
        return (kvs.length === 4 && !leases.has('0')) || `${kvs.length} keys`
      })
      await waitFor('the view to be live', () => told.seen.at(-1) === 'live' || told.seen.join())
      expect(ports(followed)).toEqual([1, 2, 3, 4])
      await Promise.all([told.stop(), watched.stop()])
      // Not one was removed in the eyes of a follower.
      expect(told.seen.filter((line) => line.startsWith('removed'))).toEqual([])
      await waitFor('the registrations to know', () => {
        const states = registrations.map((each) => each.state())
        return states.every((state) => state === 'registered') || states.join()
      })
      await provider.close()
    },
  )

  it('is believed in the end: who does not come back is gone when the guard ends', async () => {
    const copy = await world.save()
    const { id } = await world.etcd.leaseGrant({ ttlSeconds: 600 })
    await world.etcd.put({ key: keyOf(1), value: JSON.stringify(instance(1)), lease: id })
    const client = new EtcdClient({
      endpoints: world.driver.members().map((member) => member.clientUrl),
    })
    const brief = createEtcdRegistry({ client, guardMs: 3000 })
    const followed = await brief.follow(service)
    const told = collect((signal) => followed.changes({ signal }))
    await told.until('live')
    await world.restore(copy)
    await told.until('guarded')
    expect(ports(followed)).toEqual([1])
    await told.until('removed 1 lease-ended')
    expect(ports(followed)).toEqual([])
    await waitFor('the view to be live', () => told.seen.at(-1) === 'live' || told.seen.join())
    await told.stop()
    await brief.close()
    client.close()
  })
})
