import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import type { WatchEvent } from '../../lab-server/etcd/etcd-calls.ts'
import type {
  Registry,
  RegistryChange,
  ServiceId,
  ServiceInstance,
} from '../../lab-server/registry/registry.ts'
import {
  createRegistryWorld,
  type CreateRegistry,
  type RegistryWorld,
} from '../helpers/registry-world.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { waitFor as waitPatiently } from '../helpers/wait-for.ts'

/** Holds a registry to one contract, with the time limit of a test. */
export type HoldContract = (
  title: string,
  contract: () => Promise<void>,
  timeoutMs?: number,
) => void

export interface ContractOptions {
  /** Default: a test that passes when the contract is kept. */
  readonly it?: HoldContract
  /** How long the contract that is held may wait for a fact, milliseconds. Default 15 000. */
  readonly patienceMs?: () => number
  /** Default 10, as the title of that contract says. */
  readonly leaderKills?: number
  /** Default: all of it. The outages take longer than all the rest, and can go on beside it. */
  readonly parts?: readonly ('everyday' | 'outages')[]
}

/** The suite that every registry over etcd passes. */
export function describeRegistry(
  adapter: string,
  create: CreateRegistry,
  {
    it = test,
    patienceMs = () => 15_000,
    leaderKills = 10,
    parts = ['everyday', 'outages'],
  }: ContractOptions = {},
): void {
  describe(`the ${adapter} registry`, () => {
    let world: RegistryWorld
    let registry: Registry
    let service: ServiceId
    let count = 0

    beforeAll(async () => {
      world = await createRegistryWorld(create)
    })
    afterAll(async () => {
      await world.close()
    })
    // Each test has a service of its own and finds three running members.
    beforeEach(async () => {
      await world.heal()
      count += 1
      service = { name: `Service${count}`, version: '1.0' }
      registry = world.open()
    })
    afterEach(async () => {
      await registry.close()
    })

    const waitFor: typeof waitPatiently = (what, look) =>
      waitPatiently(what, look, { timeoutMs: patienceMs() })
    const instance = (port: number, extra?: Record<string, unknown>) =>
      instanceAt(service, port, extra)
    const keyOf = (port: number): string => `/rpc/${service.name}:1.0/localhost:${port}`
    const rawKey = async (key: string) => (await world.etcd.range({ key })).kvs[0]
    const revision = async () => (await world.etcd.range({ key: 'any' })).header.revision

    /** Watches from now on; `seen` grows. */
    function watch(from: Registry, options: { fromRevision?: string } = {}) {
      const seen: RegistryChange[] = []
      const stop = new AbortController()
      const ended = (async () => {
        const changes = from.watch(service, { signal: stop.signal, ...options })
        for await (const change of changes) seen.push(change)
      })()
      return {
        seen,
        async until(what: string, done: (seen: readonly RegistryChange[]) => boolean) {
          await waitFor(what, () => done(seen) || JSON.stringify(seen.map(brief)))
        },
        /** Until nothing has been seen for so long, milliseconds. */
        async untilQuiet(ms: number) {
          for (let before = -1; before !== seen.length;) {
            before = seen.length
            await delay(ms)
          }
        },
        async stop() {
          stop.abort()
          await ended
          return seen.map(brief)
        },
      }
    }

    async function discoveredPorts(from: Registry = registry): Promise<number[]> {
      const { instances } = await from.discover(service)
      return instances.map((found) => found.instance.servicePort)
    }

    if (parts.includes('outages')) {
      describe('an outage', () => {
        it('of the leader costs no registration: same lease, and no watcher hears of it', async () => {
          const registration = await registry.register(instance(1), { ttlSeconds: 5 })
          const { id } = registration.lease()
          const watching = watch(registry)
          await watching.until('the list', (seen) => seen.length === 1)
          await world.killLeader()
          // Longer than the TTL: the renewals must have found the new leader.
          await delay(7000)
          expect(registration.state()).toBe('registered')
          expect((await rawKey(keyOf(1)))?.lease).toBe(id)
          expect(await watching.stop()).toEqual(['added 1'])
        })

        it('of two members for 60 s is survived by registrations and watches', async () => {
          const registration = await registry.register(instance(1), { ttlSeconds: 10 })
          const watching = watch(registry)
          await watching.until('the list', (seen) => seen.length === 1)
          const killed = world.driver.members().slice(0, 2)
          const start = performance.now()
          await Promise.all(killed.map(({ name }) => world.driver.kill(name)))
          const impatient = rejectionOf(registry.register(instance(2)))
          const ctrlC = new AbortController()
          const interrupted = rejectionOf(registry.register(instance(4), { signal: ctrlC.signal }))
          ctrlC.abort()
          expect(await interrupted).toMatchObject({ code: 'INTERRUPTED' })
          expect(await impatient).toSatisfy(isOutage)
          await expect(registry.discover(service)).rejects.toSatisfy(isOutage)
          await waitFor(
            'the state',
            () => registration.state() === 'recovering' || registration.state(),
          )
          await delay(60_000 - (performance.now() - start))
          await world.heal()
          await waitFor(
            'the state',
            () => registration.state() === 'registered' || registration.state(),
          )
          const third = await registry.register(instance(3))
          await third.release()
          await watching.until('what comes after', (seen) => seen.at(-1)?.type === 'removed')
          // What could not be registered in time is not there later either.
          expect(await discoveredPorts()).toEqual([1])
          expect(onlyPorts(await watching.stop(), [1, 3])).toEqual([
            'added 1',
            'added 3',
            'removed 3',
          ])
        }, 110_000)
      })
    }
    if (!parts.includes('everyday')) return

    describe('registering', () => {
      it('puts the instance where Java providers put theirs, to the byte, on a lease', async () => {
        const registration = await registry.register(instance(8080), { ttlSeconds: 30 })
        const raw = await rawKey(`/rpc/${service.name}:1.0/localhost:8080`)
        expect(Buffer.from(raw?.value ?? []).toString()).toBe(
          `{"serviceName":"${service.name}","serviceVersion":"1.0","serviceHost":"localhost","servicePort":8080,"serviceGroup":"default"}`,
        )
        expect(raw?.lease).toBe(registration.lease().id)
        expect(await world.etcd.leaseTimeToLive(registration.lease().id)).toMatchObject({
          grantedTtl: 30,
        })
        expect(registration).toMatchObject({ key: keyOf(8080), instance: instance(8080) })
        expect(registration.state()).toBe('registered')
        expect(registry.registrations()).toEqual([registration])
      })

      it('is seen by another consumer at once', async () => {
        const { key } = await registry.register(instance(1, { weight: 5 }))
        const found = await world.open().discover(service)
        expect(found.instances).toMatchObject([{ key, instance: instance(1, { weight: 5 }) }])
        expect(found.undecodable).toEqual([])
        expect(BigInt(found.revision)).toBeGreaterThanOrEqual(
          BigInt(found.instances[0]?.revision ?? ''),
        )
      })

      it('keeps instances and services apart, also those whose names begin alike', async () => {
        await registry.register(instance(1))
        await registry.register(instance(2))
        await registry.register({ ...instance(3), serviceVersion: '1.0.1' })
        await registry.register({ ...instance(4), serviceName: `${service.name}X` })
        expect(await discoveredPorts()).toEqual([1, 2])
        const { services } = await registry.services()
        expect(services.filter(({ id }) => id.name.startsWith(service.name))).toEqual([
          { id: service, instances: 2 },
          { id: { name: service.name, version: '1.0.1' }, instances: 1 },
          { id: { name: `${service.name}X`, version: '1.0' }, instances: 1 },
        ])
      })

      it('again at the same address changes the instance and its TTL in place', async () => {
        const first = await registry.register(instance(1, { weight: 1 }), { ttlSeconds: 30 })
        const oldLease = first.lease().id
        const watching = watch(registry)
        await watching.until('the list', (seen) => seen.length === 1)
        const second = await registry.register(instance(1, { weight: 2 }), { ttlSeconds: 20 })
        expect(second).toBe(first)
        expect(second.lease().ttlSeconds).toBe(20)
        await watching.until('the update', (seen) => seen.length === 2)
        expect(await watching.stop()).toEqual(['added 1', 'updated 1'])
        // The member that is asked answers from what it knows: a follower may be a little behind.
        await waitFor('the former lease to be gone', async () => {
          const { ids } = await world.etcd.leases()
          return !ids.includes(oldLease) || ids.join()
        })
        expect(await discoveredPorts()).toEqual([1])
      })

      it('takes an address over from an earlier process', async () => {
        await world.etcd.put({ key: keyOf(1), value: 'left behind' })
        await registry.register(instance(1))
        expect(await discoveredPorts()).toEqual([1])
      })

      it('refuses an invalid instance before anything is sent', async () => {
        const before = await revision()
        const leases = (await world.etcd.leases()).ids.length
        const invalid = [
          { ...instance(1), serviceName: 'a/b' },
          { ...instance(1), serviceName: 'a:b' },
          { ...instance(1), serviceHost: 'h h' },
          instance(0),
          instance(65536),
        ]
        for (const each of invalid) {
          await expect(registry.register(each)).rejects.toMatchObject({ code: 'INVALID_INSTANCE' })
        }
        await expect(registry.register(instance(1), { ttlSeconds: 0 })).rejects.toMatchObject({
          code: 'INVALID_INSTANCE',
        })
        expect(await revision()).toBe(before)
        expect((await world.etcd.leases()).ids).toHaveLength(leases)
      })

      it('writes IPv6 in brackets', async () => {
        const { key } = await registry.register({ ...instance(9000), serviceHost: '::1' })
        expect(key).toBe(`/rpc/${service.name}:1.0/[::1]:9000`)
        const { instances } = await registry.discover(service)
        expect(instances[0]?.instance.serviceHost).toBe('[::1]')
      })
    })

    describe('being interrupted', () => {
      it('takes back a registration whose caller no longer waits, however far it has come', async () => {
        for (let round = 0; round < 10; round += 1) {
          const ctrlC = new AbortController()
          const registering = registry.register(instance(1), { signal: ctrlC.signal })
          await delay(round)
          ctrlC.abort()
          const outcome = await registering.then(
            () => 'registered',
            (error: unknown) => (error instanceof LabError ? error.code : error),
          )
          if (outcome === 'registered') await registry.deregister(instance(1))
          else expect(outcome).toBe('INTERRUPTED')
          await waitFor('no registration', async () => {
            const ports = await discoveredPorts()
            return (ports.length === 0 && registry.registrations().length === 0) || ports.join()
          })
        }
        await expect(
          registry.register(instance(1), { signal: AbortSignal.abort() }),
        ).rejects.toMatchObject({ code: 'INTERRUPTED' })
      })

      it('leaves alone what was registered before', async () => {
        const registration = await registry.register(instance(1))
        const ctrlC = new AbortController()
        const changing = registry.register(instance(1, { weight: 2 }), { signal: ctrlC.signal })
        ctrlC.abort()
        expect(await changing).toBe(registration)
        expect(await discoveredPorts()).toEqual([1])
      })
    })

    describe('leaving', () => {
      it('releases: the key and the lease are gone when it resolves, twice is fine', async () => {
        const registration = await registry.register(instance(1))
        await registration.release()
        expect(await rawKey(keyOf(1))).toBeUndefined()
        expect((await world.etcd.leases()).ids).not.toContain(registration.lease().id)
        expect(registration.state()).toBe('released')
        expect(registry.registrations()).toEqual([])
        await registration.release()
      })

      it('releases one of two on the same lease and leaves the other alone', async () => {
        const first = await registry.register(instance(1))
        const second = await registry.register(instance(2))
        expect(second.lease()).toEqual(first.lease())
        const before = await rawKey(keyOf(2))
        await first.release()
        expect(await discoveredPorts()).toEqual([2])
        expect(await rawKey(keyOf(2))).toEqual(before)
      })

      it('does not take away the key of a later owner', async () => {
        const first = await registry.register(instance(1))
        const other = world.open()
        await other.register(instance(1, { owner: 2 }))
        await first.release()
        const { instances } = await registry.discover(service)
        expect(instances).toMatchObject([{ instance: { extra: { owner: 2 } } }])
        await other.close()
      })

      it('deregisters its own for good', async () => {
        const registration = await registry.register(instance(1))
        await registry.deregister(instance(1))
        expect(registration.state()).toBe('released')
        expect(await rawKey(keyOf(1))).toBeUndefined()
      })

      it('deregisters what anybody else has put', async () => {
        await world.etcd.put({ key: keyOf(1), value: '{}' })
        const javaIpv6 = { ...instance(9000), serviceHost: '::1' }
        const javaKey = `/rpc/${service.name}:1.0/::1:9000`
        await world.etcd.put({ key: javaKey, value: '{}' })
        await registry.deregister(instance(1))
        await registry.deregister(javaIpv6)
        expect(await rawKey(keyOf(1))).toBeUndefined()
        expect(await rawKey(javaKey)).toBeUndefined()
      })

      it('says so when there is nothing to deregister', async () => {
        await expect(registry.deregister(instance(1))).rejects.toMatchObject({
          code: 'NOT_REGISTERED',
        })
      })

      it('stays released when a frozen leader wakes up and executes an old put', async () => {
        const frozen = await world.leader()
        const others = world.driver.members().map(({ name }) => name)
        const own = world.open(frozen, ...others.filter((name) => name !== frozen))
        const keeper = await own.register(instance(2))
        await world.driver.pause(frozen)
        // Sent to the frozen leader first, then to those who go on without it.
        const registration = await own.register(instance(1))
        await registration.release()
        expect(keeper.lease()).toEqual(registration.lease())
        const watching = watch(registry)
        await watching.until('the list', (seen) => seen.length === 1)
        await world.driver.resume(frozen)
        await watching.untilQuiet(1500)
        expect(await discoveredPorts()).toEqual([2])
        await watching.stop()
        await own.close()
      })

      it('may register again right after a release', async () => {
        const keeper = await registry.register(instance(2))
        for (let round = 0; round < 20; round += 1) {
          const registration = await registry.register(instance(1, { round }))
          const releasing = registration.release()
          const [again] = await Promise.all([
            registry.register(instance(1, { again: round })),
            releasing,
          ])
          expect((await registry.discover(service)).instances).toMatchObject([
            { instance: { extra: { again: round } } },
            { key: keeper.key },
          ])
          await again.release()
        }
        expect(await discoveredPorts()).toEqual([2])
      })

      it('closes: no key, no lease, no watch remains, and every call is refused', async () => {
        const own = world.open()
        const leases = new Set((await world.etcd.leases()).ids)
        await own.register(instance(1))
        await own.register(instance(2), { ttlSeconds: 10 })
        const watching = watch(own)
        await watching.until('the list', (seen) => seen.length === 2)
        await own.close()
        expect(await discoveredPorts()).toEqual([])
        expect((await world.etcd.leases()).ids.filter((id) => !leases.has(id))).toEqual([])
        await watching.stop()
        const refused = { code: 'CLOSED' }
        await expect(own.register(instance(1))).rejects.toMatchObject(refused)
        await expect(own.deregister(instance(1))).rejects.toMatchObject(refused)
        await expect(own.discover(service)).rejects.toMatchObject(refused)
        await expect(own.services()).rejects.toMatchObject(refused)
        await expect(watch(own).stop()).rejects.toMatchObject(refused)
        await own.close()
      })
    })

    describe('keeping alive', () => {
      it('costs one lease for each TTL, and moves no revision while nothing happens', async () => {
        const leases = new Set((await world.etcd.leases()).ids)
        for (let port = 1; port <= 20; port += 1) {
          await registry.register(instance(port), { ttlSeconds: port % 2 === 0 ? 3 : 30 })
        }
        const granted = (await world.etcd.leases()).ids.filter((id) => !leases.has(id))
        expect(granted).toHaveLength(2)
        const before = await revision()
        // Longer than the shorter TTL: without renewals the keys would go.
        await delay(5000)
        expect(await revision()).toBe(before)
        expect(await discoveredPorts()).toHaveLength(20)
      })

      it('lets the key of a killed process expire, and tells the watcher which instance went', async () => {
        const provider = await world.startProvider(instance(7), 2)
        const watching = watch(registry)
        await watching.until('the list', (seen) => seen.length === 1)
        await provider.kill()
        await watching.until('the removal', (seen) => seen.length === 2)
        expect(watching.seen[1]).toMatchObject({ type: 'removed', instance: instance(7) })
        expect(await discoveredPorts()).toEqual([])
        await watching.stop()
      })

      it('puts the key back when somebody deletes it', async () => {
        const registration = await registry.register(instance(1))
        await world.etcd.deleteRange({ key: keyOf(1) })
        await waitFor('the key', async () => (await rawKey(keyOf(1))) !== undefined || 'no key')
        expect((await rawKey(keyOf(1)))?.lease).toBe(registration.lease().id)
      })

      const overwrites = [
        ['another value without a lease', 'edited'],
        ['what cannot be read', '\u0000'],
      ] as const
      for (const [what, value] of overwrites) {
        it(`puts its value back when somebody writes ${what}`, async () => {
          const registration = await registry.register(instance(1))
          await world.etcd.put({ key: keyOf(1), value })
          await waitFor('the value', async () => {
            const raw = await rawKey(keyOf(1))
            return raw?.lease === registration.lease().id || `lease ${raw?.lease}`
          })
          expect(await discoveredPorts()).toEqual([1])
        })
      }

      it('puts all keys on a new lease when the lease is revoked', async () => {
        const registrations = await Promise.all(
          [1, 2, 3].map((port) => registry.register(instance(port))),
        )
        const lost = registrations[0]?.lease().id ?? ''
        await world.etcd.leaseRevoke(lost)
        await waitFor('three keys', async () => {
          const ports = await discoveredPorts()
          return ports.length === 3 || `ports ${ports.join()}`
        })
        const leases = new Set(registrations.map((each) => each.lease().id))
        expect(leases.size).toBe(1)
        expect(leases).not.toContain(lost)
        expect(registrations.map((each) => each.state())).toEqual(Array(3).fill('registered'))
      })

      it('yields to a later owner of the address, and comes back when that one has gone', async () => {
        const first = await registry.register(instance(1, { owner: 1 }))
        const other = world.open()
        const second = await other.register(instance(1, { owner: 2 }))
        await waitFor('the first to yield', () => first.state() === 'recovering' || first.state())
        expect(second.state()).toBe('registered')
        const before = await revision()
        // Two owners that both insist would move the revision for ever.
        await delay(500)
        expect(await revision()).toBe(before)
        await other.close()
        await waitFor('the first', () => first.state() === 'registered' || first.state())
        expect((await registry.discover(service)).instances).toMatchObject([
          { instance: { extra: { owner: 1 } } },
        ])
      })
    })

    describe('watching', () => {
      it('tells of the list first, then of every change', async () => {
        await registry.register(instance(1))
        const watching = watch(world.open())
        await watching.until('the list', (seen) => seen.length === 1)
        const second = await registry.register(instance(2))
        await registry.register(instance(1, { weight: 2 }))
        await second.release()
        await watching.until('all changes', (seen) => seen.length === 4)
        expect(watching.seen[3]).toMatchObject({ key: keyOf(2), instance: instance(2) })
        expect(await watching.stop()).toEqual(['added 1', 'added 2', 'updated 1', 'removed 2'])
      })

      it('goes on from a revision: only what came after it', async () => {
        await registry.register(instance(1))
        const { revision: fromRevision } = await registry.discover(service)
        const second = await registry.register(instance(2))
        await registry.register(instance(1, { weight: 2 }))
        await second.release()
        const watching = watch(world.open(), { fromRevision })
        await watching.until('all changes', (seen) => seen.length === 3)
        expect(await watching.stop()).toEqual(['added 2', 'updated 1', 'removed 2'])
      })

      it('begins before the first instance exists', async () => {
        const { instances, revision: fromRevision } = await registry.discover(service)
        expect(instances).toEqual([])
        const watching = watch(world.open(), { fromRevision })
        await registry.register(instance(1))
        await watching.until('the instance', (seen) => seen.length === 1)
        expect(await watching.stop()).toEqual(['added 1'])
      })

      it('is not disturbed by a Java provider that repeats its PUT under a fresh lease', async () => {
        const watching = watch(registry)
        const value = JSON.stringify(instance(1))
        for (let beat = 0; beat < 3; beat += 1) {
          const { id } = await world.etcd.leaseGrant({ ttlSeconds: 30 })
          await world.etcd.put({ key: keyOf(1), value, lease: id })
        }
        await world.etcd.deleteRange({ key: keyOf(1) })
        await watching.until('the removal', (seen) => seen.at(-1)?.type === 'removed')
        expect(await watching.stop()).toEqual(['added 1', 'removed 1'])
      })

      it('skips an undecodable neighbour, reports it, and carries on', async () => {
        await world.etcd.put({ key: keyOf(1), value: 'garbage' })
        await world.etcd.put({ key: `/rpc/${service.name}:1.0/nonsense`, value: '{}' })
        await registry.register(instance(2))
        const found = await registry.discover(service)
        expect(found.instances.map((each) => each.key)).toEqual([keyOf(2)])
        expect(found.undecodable).toEqual([
          { key: keyOf(1), reason: 'the value is not JSON' },
          {
            key: `/rpc/${service.name}:1.0/nonsense`,
            reason: 'the key does not go on with host:port',
          },
        ])
        const watching = watch(registry)
        await watching.until('the list', (seen) => seen.length === 3)
        await world.etcd.put({ key: keyOf(2), value: Uint8Array.of(0xff) })
        // Its registration puts it back, sooner or later than we look.
        await watching.until('the instance to be put back', (seen) => seen.length === 5)
        expect(watching.seen[3]).toMatchObject({ type: 'undecodable', key: keyOf(2) })
        expect(watching.seen[4]).toMatchObject({ type: 'added', found: { key: keyOf(2) } })
        await watching.stop()
      })

      it('lists again when the revision to go on from is compacted away', async () => {
        await registry.register(instance(1))
        const { revision: fromRevision } = await registry.discover(service)
        await registry.register(instance(2))
        await world.compact()
        const watching = watch(registry, { fromRevision })
        await watching.until('the new list', (seen) => seen.length === 3)
        expect(await watching.stop()).toEqual(['relisted', 'added 1', 'added 2'])
      })

      it('lists again when compaction overtakes it, and tells only of real differences', async () => {
        // A consumer that knows one member only, and that member is away.
        const away = await followerOf(world)
        const consumer = world.open(away)
        await registry.register(instance(1, { weight: 1 }))
        await registry.register(instance(2))
        const third = await registry.register(instance(3))
        const watching = watch(consumer)
        await watching.until('the list', (seen) => seen.length === 3)
        await world.driver.kill(away)
        await registry.register(instance(1, { weight: 2 }))
        await registry.register(instance(1, { weight: 3 }))
        await third.release()
        await registry.register(instance(4))
        await world.compact()
        await world.driver.start(away)
        await watching.until('the differences', (seen) => seen.length === 7)
        expect(watching.seen[5]).toMatchObject({ found: { instance: instance(1, { weight: 3 }) } })
        await registry.register(instance(5))
        await watching.until('what comes after', (seen) => seen.length === 8)
        const told = await watching.stop()
        expect(told.slice(3)).toEqual(['relisted', 'removed 3', 'updated 1', 'added 4', 'added 5'])
      })

      it('loses, repeats and reorders nothing while ten leaders are killed under writes', async () => {
        const start = await revision()
        const watching = watch(world.open())
        const load = writeUntilStopped(world, keyOf, instance)
        for (let round = 0; round < leaderKills; round += 1) {
          const before = load.written()
          await waitFor('writes', () => load.written() > before + 10 || `${load.written()}`)
          const killed = await world.killLeader()
          await world.driver.start(killed)
        }
        const written = await load.stop()
        await world.etcd.put({ key: keyOf(99), value: JSON.stringify(instance(99)) })
        const isLast = (change: RegistryChange) =>
          'found' in change && change.found.key === keyOf(99)
        await watching.until('the last write', (seen) => seen.some(isLast))
        await watching.stop()
        const history = await readHistory(world, `/rpc/${service.name}:1.0/`, start, keyOf(99))
        expect(watching.seen.map(precise)).toEqual(history)
        expect(history.length).toBeGreaterThan(100)
        expect(written).toBeGreaterThan(100)
      }, 90_000)
    })
  })
}

function brief(change: RegistryChange): string {
  switch (change.type) {
    case 'added':
    case 'updated':
      return `${change.type} ${change.found.instance.servicePort}`
    case 'removed':
      return `removed ${change.instance?.servicePort ?? change.key}`
    case 'undecodable':
      return `undecodable ${change.key}`
    case 'relisted':
      return 'relisted'
  }
}

/** One line that says everything: what, which key, which value, at which revision. */
function precise(change: RegistryChange): string {
  const about =
    'found' in change ? `${change.found.key} ${JSON.stringify(change.found.instance)}` : ''
  const key = 'key' in change ? change.key : ''
  return `${change.type} ${about}${key} @${change.revision}`
}

/** What a promise rejects with; undefined when it resolves. */
function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

function isOutage(error: unknown): boolean {
  const codes = ['QUORUM_LOST', 'TIMEOUT', 'UNAVAILABLE']
  return error instanceof LabError && codes.includes(error.code)
}

/** An attempt that failed may show and be taken back. */
function onlyPorts(told: readonly string[], ports: readonly number[]): string[] {
  return told.filter((line) => ports.includes(Number(line.split(' ')[1])))
}

async function followerOf(world: RegistryWorld): Promise<string> {
  const leader = await world.leader()
  const follower = world.driver.members().find(({ name }) => name !== leader)
  if (!follower) throw new Error('there is no follower')
  return follower.name
}

/** Writes one after the other to three keys: new values, now and then a delete. */
function writeUntilStopped(
  world: RegistryWorld,
  keyOf: (port: number) => string,
  instance: (port: number) => ServiceInstance,
): { written(): number; stop(): Promise<number> } {
  const stop = new AbortController()
  let written = 0
  const write = async (): Promise<number> => {
    for (; !stop.signal.aborted; written += 1) {
      const port = (written % 3) + 1
      const value = JSON.stringify({ ...instance(port), n: written })
      if (written % 10 === 9) await world.etcd.deleteRange({ key: keyOf(port) })
      else await world.etcd.put({ key: keyOf(port), value })
      await delay(5)
    }
    return written
  }
  const writing = write()
  return {
    written: () => written,
    stop() {
      stop.abort()
      return writing
    },
  }
}

/** What etcd itself remembers, read afterwards in one piece from a cluster at rest. */
async function readHistory(
  world: RegistryWorld,
  prefix: string,
  after: string,
  lastKey: string,
): Promise<string[]> {
  const lines: string[] = []
  const known = new Map<string, string>()
  const fromRevision = (BigInt(after) + 1n).toString()
  for await (const { events } of world.etcd.watch({ prefix, fromRevision })) {
    for (const event of events) {
      const line = historyLine(event, known)
      if (line !== null) lines.push(line)
      if (Buffer.from(event.kv.key).toString() === lastKey) return lines
    }
  }
  throw new Error('the history ended before the last write')
}

/** The line for one event; null for a write that changed nothing (a repeated attempt). */
function historyLine({ type, kv }: WatchEvent, known: Map<string, string>): string | null {
  const key = Buffer.from(kv.key).toString()
  const before = known.get(key)
  if (type === 'delete') {
    known.delete(key)
    return `removed ${key} @${kv.modRevision}`
  }
  const value = Buffer.from(kv.value).toString()
  known.set(key, value)
  if (value === before) return null
  const expected = value.replace(/,"n":(\d+)}$/, ',"extra":{"n":$1}}')
  const word = before === undefined ? 'added' : 'updated'
  return `${word} ${key} ${expected} @${kv.modRevision}`
}
