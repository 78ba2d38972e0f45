import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { ProcessScheduler } from '../../lab-server/registry/naive/heartbeat.ts'
import { naiveFaults, type NaiveFault } from '../../lab-server/registry/naive/naive-fault.ts'
import {
  createNaiveRegistry,
  type NaiveRegistryOptions,
} from '../../lab-server/registry/naive/naive-registry.ts'
import type { Registry } from '../../lab-server/registry/registry.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'

const heartbeatMs = 100
/** How long is waited in vain, milliseconds: seven heartbeats. */
const vainMs = 700
/** Of the client under the registries, milliseconds. */
const deadlineMs = 2000

let world: RegistryWorld
let service = { name: '', version: '1.0' }
let count = 0
let closers: (() => Promise<void>)[] = []
const described = new Set<NaiveFault>()

beforeAll(async () => {
  world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
})
afterAll(async () => {
  await world.close()
})
beforeEach(() => {
  count += 1
  service = { name: `Service${count}`, version: '1.0' }
})
afterEach(async () => {
  await world.heal()
  for (const close of closers) await close()
  closers = []
})

/** One registry in one test: with the fault, without it, or the real one. */
interface Subject {
  readonly client: EtcdClient
  /** Null in the test of the real registry. */
  readonly faults: ReadonlySet<NaiveFault> | null
  readonly open: (options?: Partial<NaiveRegistryOptions>) => Registry
  /** Whether something comes about that belongs to the fault. */
  readonly shows: (what: string, look: () => Promise<boolean>) => Promise<boolean>
  /** Whether something fails to come about that the fault prevents; `vain`: within so long, ms. */
  readonly lacks: (what: string, look: () => Promise<boolean>, vain?: number) => Promise<boolean>
}

/** True when its symptom showed. */
type Scenario = (subject: Subject) => Promise<boolean>

function describeFault(
  fault: NaiveFault,
  scenario: Scenario,
  /** `others`: what has to be wrong as well for this one to show. */
  { others = [], real = true }: { others?: readonly NaiveFault[]; real?: boolean } = {},
): void {
  const number = naiveFaults.find(({ name }) => name === fault)?.number
  described.add(fault)
  describe(`fault ${number}, ${fault},`, () => {
    const test = (title: string, faults: ReadonlySet<NaiveFault> | null, shows: boolean) =>
      it(title, async () => expect(await scenario(makeSubject(faults, shows))).toBe(shows))
    test('shows where it is on', new Set([...others, fault]), true)
    test('does not show where it is off', new Set(others), false)
    if (real) test('is not in the real registry', null, false)
  })
}

function makeSubject(faults: ReadonlySet<NaiveFault> | null, isFaulty: boolean): Subject {
  const endpoints = world.driver.members().map(({ clientUrl }) => clientUrl)
  const client = new EtcdClient({ endpoints, deadlineMs })
  closers.push(() => {
    client.close()
    return Promise.resolve()
  })
  const happens = async (
    what: string,
    look: () => Promise<boolean>,
    expected: boolean,
    vain = vainMs,
  ) => {
    const timeoutMs = expected ? 15_000 : vain
    const last = { isSeen: false }
    const answer = async () => {
      last.isSeen = false
      const isSo = await look()
      last.isSeen = true
      return isSo || 'not so'
    }
    try {
      await waitFor(what, answer, { timeoutMs })
      return true
    } catch (error) {
      // Whoever could not look has not seen that nothing happened.
      if (!last.isSeen) throw error
      return false
    }
  }
  return {
    client,
    faults,
    open(options = {}) {
      const naive = faults && { client, faults, heartbeatMs, ...options }
      const registry = naive ? createNaiveRegistry(naive) : createEtcdRegistry({ client })
      closers.unshift(() => registry.close())
      return registry
    },
    shows: (what, look) => happens(what, look, isFaulty),
    lacks: async (what, look, vain) => !(await happens(what, look, !isFaulty, vain)),
  }
}

const instance = (port: number, extra?: Record<string, unknown>) => instanceAt(service, port, extra)
const keyOf = (port: number): string => `/rpc/${service.name}:1.0/localhost:${port}`
const rawKey = async (key: string) => (await world.etcd.range({ key })).kvs[0]

/** As another provider would, past the registry under test. */
async function put(port: number, fields: Record<string, unknown> = {}): Promise<void> {
  const value = JSON.stringify({ ...instance(port), ...fields })
  await world.etcd.put({ key: keyOf(port), value })
}

async function discoveredPorts(registry: Registry): Promise<string> {
  const { instances } = await registry.discover(service)
  return instances.map((found) => found.instance.servicePort).join()
}

/** Lets something happen between the next answer to a Range and whatever follows it. */
function afterNextRange(client: EtcdClient, happen: () => Promise<unknown>): void {
  const range = client.range.bind(client)
  vi.spyOn(client, 'range').mockImplementationOnce(async (...args) => {
    const answer = await range(...args)
    await happen()
    return answer
  })
}

/** The ports that a watch has told of as added; grows. */
function watchAdded(registry: Registry): Set<number> {
  const added = new Set<number>()
  const stop = new AbortController()
  const { signal } = stop
  const watching = (async () => {
    for await (const change of registry.watch(service, { signal })) {
      if (change.type === 'added') added.add(change.found.instance.servicePort)
    }
  })()
  closers.unshift(() => {
    stop.abort()
    return watching
  })
  return added
}

async function pauseAll(): Promise<void> {
  await Promise.all(world.driver.members().map(({ name }) => world.driver.pause(name)))
}

describe('a consumer', () => {
  describeFault('clears-wrong-key', async ({ open, lacks }) => {
    const registry = open()
    await put(1)
    expect(await discoveredPorts(registry)).toBe('1')
    await world.etcd.deleteRange({ key: keyOf(1) })
    return lacks('an empty list', async () => (await discoveredPorts(registry)) === '')
  })

  describeFault('watches-known-keys-only', async ({ open, lacks }) => {
    const registry = open()
    await put(1)
    expect(await discoveredPorts(registry)).toBe('1')
    await put(2)
    return lacks('the second', async () => (await discoveredPorts(registry)) === '1,2')
  })

  describeFault('caches-empty-list', async ({ open, lacks }) => {
    const registry = open()
    expect(await discoveredPorts(registry)).toBe('')
    await put(1)
    return lacks('the first', async () => (await discoveredPorts(registry)) === '1')
  })

  describeFault('ignores-puts', async ({ open, lacks }) => {
    const registry = open()
    await put(1, { serviceGroup: 'blue' })
    expect(await discoveredPorts(registry)).toBe('1')
    await put(1, { serviceGroup: 'green' })
    return lacks('the update', async () => {
      const { instances } = await registry.discover(service)
      return instances[0]?.instance.serviceGroup === 'green'
    })
  })

  describeFault('watch-without-revision', async ({ open, client, lacks }) => {
    const registry = open()
    await put(1)
    afterNextRange(client, () => put(2))
    const added = watchAdded(registry)
    await waitFor('the list', () => added.has(1) || 'nothing')
    return lacks('what came in between', () => Promise.resolve(added.has(2)))
  })

  describeFault('watch-dies-silently', async ({ open, client, lacks }) => {
    const registry = open()
    await put(1)
    afterNextRange(client, async () => {
      await put(2)
      await put(3)
      await world.compact()
    })
    const added = watchAdded(registry)
    await waitFor('the list', () => added.has(1) || 'nothing')
    return lacks('what was compacted', () => Promise.resolve(added.has(2) && added.has(3)))
  })

  describeFault(
    'watches-pile-up',
    async ({ client, faults, lacks }) => {
      const registry = createNaiveRegistry({ client, faults: faults ?? new Set() })
      closers.unshift(() => registry.close())
      for (const port of [1, 2, 3]) await put(port)
      expect(await discoveredPorts(registry)).toBe('1,2,3')
      expect(registry.watched()).toHaveLength(3)
      for (const port of [1, 2, 3]) await world.etcd.deleteRange({ key: keyOf(port) })
      return lacks('no watch', () => Promise.resolve(registry.watched().length === 0))
    },
    { others: ['watches-known-keys-only'], real: false },
  )

  describeFault('no-deadline', async ({ open, lacks }) => {
    const registry = open()
    await pauseAll()
    let isAnswered = false
    // Rejected in time, or with the end of the test.
    registry.discover(service).catch(() => (isAnswered = true))
    return lacks('an answer', () => Promise.resolve(isAnswered), deadlineMs + vainMs)
  })

  describeFault(
    'no-single-flight',
    async ({ open, client }) => {
      const registry = open()
      const range = vi.spyOn(client, 'range')
      await Promise.all(Array.from({ length: 50 }, () => registry.discover(service)))
      return range.mock.calls.length > 1
    },
    // It caches nothing, so every call of discover is a read of its own, on purpose.
    { real: false },
  )

  describeFault('undecodable-throws', async ({ open }) => {
    const registry = open()
    await put(1)
    await world.etcd.put({ key: keyOf(2), value: 'not json' })
    return registry.discover(service).then(
      ({ instances, undecodable }) => {
        expect([instances.length, undecodable.length]).toEqual([1, 1])
        return false
      },
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'UNDECODABLE' })
        return true
      },
    )
  })

  describeFault('one-endpoint', async ({ open, lacks }) => {
    const registry = open()
    const [first] = world.driver.members()
    await world.driver.kill(first?.name ?? '')
    // The two that remain are well, whoever led before.
    await world.leader()
    let isAnswered = false
    registry.discover(service).then(
      () => (isAnswered = true),
      () => undefined,
    )
    return lacks('an answer', () => Promise.resolve(isAnswered))
  })
})

describe('a provider', () => {
  describeFault('heartbeat-rewrites', async ({ open, shows }) => {
    const registry = open()
    await registry.register(instance(1))
    const before = await rawKey(keyOf(1))
    return shows('another revision', async () => {
      return (await rawKey(keyOf(1)))?.modRevision !== before?.modRevision
    })
  })

  describeFault('never-revokes', async ({ open, lacks }) => {
    const registry = open()
    const registration = await registry.register(instance(1))
    const { id } = registration.lease()
    await registration.release()
    const twice = await registry.deregister(instance(1)).then(
      () => 'fine',
      (error: unknown) => error,
    )
    const lingers = await lacks('the end of the lease', async () => {
      return !(await world.etcd.leases()).ids.includes(id)
    })
    if (lingers) expect(twice).toBe('fine')
    else expect(twice).toMatchObject({ code: 'NOT_REGISTERED' })
    return lingers
  })

  describeFault('skips-expired-key', async ({ open, lacks }) => {
    const registry = open()
    const registration = await registry.register(instance(1))
    await world.etcd.leaseRevoke(registration.lease().id)
    return lacks('the key', async () => (await rawKey(keyOf(1))) !== undefined)
  })

  describeFault('trusts-read-back', async ({ open, shows, lacks }) => {
    const registry = open()
    await registry.register(instance(1))
    await world.etcd.put({ key: keyOf(1), value: JSON.stringify(instance(2)) })
    const isTrusted = await shows('a phantom', async () => (await rawKey(keyOf(2))) !== undefined)
    const hasLease = async () => (await rawKey(keyOf(1)))?.lease !== '0'
    // What was written over it without a lease is there for ever.
    expect(await lacks('a lease', hasLease)).toBe(isTrusted)
    return isTrusted
  })

  describeFault(
    'one-throw-stops-all',
    async ({ open, lacks }) => {
      const registry = open()
      await registry.register(instance(1))
      await registry.register(instance(2))
      await world.etcd.put({ key: keyOf(1), value: 'not json' })
      const before = Number((await rawKey(keyOf(2)))?.version)
      // A beat that was under way may still reach the second.
      return lacks('three renewals of the healthy key', async () => {
        return Number((await rawKey(keyOf(2)))?.version) >= before + 3
      })
    },
    { others: ['heartbeat-rewrites', 'trusts-read-back'], real: false },
  )

  describeFault(
    'heartbeat-races-deregister',
    async ({ open, client, shows }) => {
      const registry = open()
      const registration = await registry.register(instance(1))
      const released: PromiseWithResolvers<void> = Promise.withResolvers()
      // The next Range is that of a beat.
      afterNextRange(client, async () => {
        await registration.release()
        released.resolve()
      })
      await released.promise
      return shows('a zombie', async () => (await rawKey(keyOf(1))) !== undefined)
    },
    { others: ['heartbeat-rewrites'], real: false },
  )

  describeFault('no-validation', async ({ open }) => {
    const registry = open()
    const { key } = await registry.register({ ...instance(9000), serviceHost: '::1' })
    const isAmbiguous = key === `/rpc/${service.name}:1.0/::1:9000`
    const slash = registry.register({ ...instance(1), serviceName: `${service.name}/x` })
    if (isAmbiguous) await slash
    else await expect(slash).rejects.toMatchObject({ code: 'INVALID_INSTANCE' })
    return isAmbiguous
  })
})

describe('the heartbeat', () => {
  /** A process that has run for three seconds since :00, and stands still. */
  function stillClock() {
    const clock = createManualClock()
    return { ...clock, epoch: () => 3000 + clock.now() }
  }

  describeFault('global-scheduler', ({ open }) => {
    const scheduler = new ProcessScheduler()
    open({ scheduler })
    try {
      open({ scheduler })
      return Promise.resolve(false)
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG' })
      return Promise.resolve(true)
    }
  })

  describeFault(
    'global-scheduler',
    async ({ open, client }) => {
      const clock = stillClock()
      const registry = open({ clock, heartbeatMs: 10_000 })
      await registry.register(instance(1))
      await pauseAll()
      const range = vi.spyOn(client, 'range')
      clock.advance(80_000)
      expect(range.mock.calls.length).toBeGreaterThan(0)
      return range.mock.calls.length === 8
    },
    { others: ['no-deadline', 'aligned-ticks'], real: false },
  )

  describeFault(
    'aligned-ticks',
    async ({ open, client }) => {
      const clock = stillClock()
      const beats: number[] = []
      const range = client.range.bind(client)
      vi.spyOn(client, 'range').mockImplementation((...args) => {
        beats.push(clock.now())
        return range(...args)
      })
      for (let port = 1; port <= 5; port += 1) {
        const registry = open({ clock, heartbeatMs: 10_000 })
        await registry.register(instance(port))
      }
      clock.advance(10_000)
      expect(beats.length).toBeGreaterThanOrEqual(5)
      return beats.every((at) => at === 7000)
    },
    { real: false },
  )
})

it('every fault has a scenario', () => {
  expect(naiveFaults.filter(({ name }) => !described.has(name))).toEqual([])
})
