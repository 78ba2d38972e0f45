import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type {
  FollowedService,
  FollowingRegistry,
  RegistryChange,
  ServiceId,
} from '../../lab-server/registry/registry.ts'
import { encodeInstance } from '../../lab-server/registry/codec.ts'
import { instanceKey } from '../../lab-server/registry/service-key.ts'
import { countRanges } from '../helpers/etcd-metrics.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import {
  fillServices,
  instanceNumber,
  instancesEach,
  serviceIds,
} from '../helpers/many-services.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'

let world: RegistryWorld<FollowingRegistry>
let registry: FollowingRegistry
let service: ServiceId
let count = 0

beforeAll(async () => {
  world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
})
afterAll(async () => {
  await world.close()
})
beforeEach(async () => {
  await world.heal()
  count += 1
  service = { name: `Shared${count}`, version: '1.0' }
  registry = world.open()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await registry.close()
})

const ranges = () => countRanges(world.driver.members().map(({ clientUrl }) => clientUrl))
const putRaw = async (port: number, extra?: Record<string, unknown>) => {
  const instance = instanceAt(service, port, extra)
  await world.etcd.put({ key: instanceKey(instance), value: encodeInstance(instance) })
}

/** As many watchers, each with what it has been told. */
function watchers(many: number) {
  const stop = new AbortController()
  const told = Array.from({ length: many }, (): RegistryChange[] => [])
  const ended = told.map(async (seen) => {
    for await (const change of registry.watch(service, { signal: stop.signal })) seen.push(change)
  })
  return {
    told,
    async until(length: number) {
      await waitFor(`${length} changes for every watcher`, () => {
        const behind = told.filter((seen) => seen.length < length)
        return behind.length === 0 || `${behind.length} have fewer`
      })
    },
    async stop() {
      stop.abort()
      await Promise.all(ended)
    },
  }
}

describe('many who ask for one service', () => {
  it('at the same time are answered by one Range', async () => {
    await putRaw(1)
    const before = await ranges()
    const found = await Promise.all(Array.from({ length: 50 }, () => registry.discover(service)))
    expect(await ranges()).toBe(before + 1)
    expect(found.map(({ instances }) => instances.length)).toEqual(Array.from(found, () => 1))
    await registry.discover(service)
    expect(await ranges()).toBe(before + 2)
  })

  it('are never answered by a Range that was sent before they asked', async () => {
    const provider = world.open()
    const stop = new AbortController()
    // There is always a Range under way when the one that matters is asked for.
    const noise = Array.from({ length: 4 }, async () => {
      while (!stop.signal.aborted) await registry.discover(service)
    })
    for (let port = 1; port <= 50; port += 1) {
      await provider.register(instanceAt(service, port))
      const { instances } = await registry.discover(service)
      expect(instances.map(({ instance }) => instance.servicePort)).toContain(port)
    }
    stop.abort()
    await Promise.all(noise)
    await provider.close()
  })

  it('share one watch, and each is told of every change', async () => {
    await putRaw(1)
    const streams = vi.spyOn(EtcdConnection.prototype, 'stream')
    const watching = watchers(1000)
    await watching.until(1)
    for (let weight = 1; weight <= 20; weight += 1) await putRaw(1, { weight })
    await world.etcd.deleteRange({ key: instanceKey(instanceAt(service, 1)) })
    await watching.until(22)
    const [first, ...others] = watching.told
    expect(first?.map(({ type }) => type)).toEqual([
      'added',
      ...Array.from({ length: 20 }, () => 'updated'),
      'removed',
    ])
    for (const other of others) expect(other).toEqual(first)
    // One, or the few that one becomes when its member is slow.
    expect(streams.mock.calls.length).toBeLessThan(5)
    await watching.stop()
  })

  it('and one that does not read keeps nobody waiting and misses nothing', async () => {
    await putRaw(1)
    const stop = new AbortController()
    const slow = registry.watch(service, { signal: stop.signal })[Symbol.asyncIterator]()
    await slow.next()
    const others = watchers(2)
    await others.until(1)
    const ports = Array.from({ length: 100 }, (_, at) => at + 1)
    const weights = Array.from({ length: 25 }, (_, at) => at)
    for (const weight of weights) {
      const instances = ports.map((port) => instanceAt(service, port, { weight }))
      const puts = instances.map((each) => ({
        key: instanceKey(each),
        value: encodeInstance(each),
      }))
      await world.etcd.txn({ compare: [], success: puts.map((put) => ({ put })) })
    }
    const written = weights.flatMap((weight) => ports.map((port) => `${port} at ${weight}`))
    await others.until(written.length + 1)
    const seen: string[] = []
    while (seen.length < written.length) {
      const step: IteratorResult<RegistryChange, unknown> = await slow.next()
      if (step.done === true || !('found' in step.value)) throw new Error('the watch has ended')
      const { servicePort, extra } = step.value.found.instance
      seen.push(`${servicePort} at ${String(extra?.['weight'])}`)
    }
    expect(seen).toEqual(written)
    stop.abort()
    await others.stop()
  })
})

describe('many services', () => {
  it('that were away while etcd was compacted are told of the real differences only', async () => {
    const ids = serviceIds(20)
    await fillServices(world.etcd, ids)
    const leader = await world.leader()
    const away = world.driver.members().find(({ name }) => name !== leader)?.name ?? ''
    const consumer = world.open(away)
    const followed: FollowedService[] = await Promise.all(ids.map((id) => consumer.follow(id)))
    const stop = new AbortController()
    const told: string[] = []
    const loops = followed.map(async (each) => {
      for await (const change of each.changes({ signal: stop.signal }))
        if ('found' in change) told.push(`${change.type} ${change.found.key}`)
        else if (change.type === 'removed') told.push(`removed ${change.key}`)
    })
    const all = ids.length * instancesEach
    await waitFor('all instances', () => told.length === all || `${told.length} were told`)
    await world.driver.kill(away)
    const expected: string[] = []
    for (const id of ids.slice(0, 7)) {
      const changed = { ...instanceNumber(id, 1), extra: { weight: 2 } }
      await world.etcd.put({ key: instanceKey(changed), value: encodeInstance(changed) })
      await world.etcd.deleteRange({ key: instanceKey(instanceNumber(id, 2)) })
      const added = instanceNumber(id, instancesEach)
      await world.etcd.put({ key: instanceKey(added), value: encodeInstance(added) })
      expected.push(`updated ${instanceKey(changed)}`, `added ${instanceKey(added)}`)
      expected.push(`removed ${instanceKey(instanceNumber(id, 2))}`)
    }
    await world.compact()
    await world.driver.start(away)
    await waitFor(
      'the differences',
      () => told.length >= all + expected.length || `${told.length} were told`,
    )
    // Every service has been listed again once it tells of what is written now.
    for (const id of ids) {
      const last = instanceNumber(id, instancesEach + 1)
      await world.etcd.put({ key: instanceKey(last), value: encodeInstance(last) })
      expected.push(`added ${instanceKey(last)}`)
    }
    await waitFor(
      'what comes after',
      () => told.length >= all + expected.length || `${told.length} were told`,
    )
    expect(told.slice(all).toSorted()).toEqual(expected.toSorted())
    stop.abort()
    await Promise.all(loops)
  })
})
