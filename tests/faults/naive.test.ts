import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { naiveFaults, type NaiveFault } from '../../lab-server/registry/naive/naive-fault.ts'
import { createNaiveRegistry } from '../../lab-server/registry/naive/naive-registry.ts'
import type {
  Discovery,
  FollowingRegistry,
  Registry,
  ServiceId,
} from '../../lab-server/registry/registry.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { checkHistory } from './check-history.ts'
import type { Bounds } from './history.ts'
import { Recorder } from './recorder.ts'

/**
 * Every fault of the original, and how these runs find it: the checker in the history of who was
 * served what (a pattern of what it says), a number that the run takes beside it, or not at all,
 * with the reason. Each fault is on alone unless it needs others to show.
 */
const visibility: Record<NaiveFault, RegExp | 'measured' | { readonly notHere: string }> = {
  'clears-wrong-key': /^naive: 1 was dead and served for/,
  'watches-known-keys-only': /^naive: 2 lived and was missing for/,
  'caches-empty-list': /^naive: 1 lived and was missing for/,
  'ignores-puts': /^naive: 1 lived and was missing for/,
  'watch-without-revision': /^naive: 2 lived and was missing for/,
  'watch-dies-silently': /^naive: 2 lived and was missing for/,
  'watches-pile-up': 'measured',
  'heartbeat-rewrites': 'measured',
  'never-revokes': 'measured',
  'skips-expired-key': /^\w+: 1 lived and was missing for/,
  'trusts-read-back': /7 was served and has never registered|1 lived and was missing/,
  'one-throw-stops-all': /^\w+: 2 lived and was missing for/,
  'heartbeat-races-deregister': /^\w+: 1 was dead and served for/,
  'no-deadline': 'measured',
  'no-single-flight': 'measured',
  'undecodable-throws': /^naive: 2 lived and was missing for/,
  'one-endpoint': /^naive: 1 lived and was missing for/,
  'global-scheduler': {
    notHere:
      'the second registry of a process fails at once and aloud, before anything is in etcd; beats that overlap need a clock of their own',
  },
  'aligned-ticks': {
    notHere:
      'all is served as it should be; that all beat at the same moment needs a clock to tell',
  },
  'no-validation': {
    notHere: 'what cannot be read is left out of every view; that it was written shows in its key',
  },
}

const bounds: Bounds = { missing: 2, consumer: 3.5, provider: 2 }
const ttlSeconds = 2
const heartbeatMs = 300
/** Longer than any promise allows: for one that lives and is missing, for one that is dead and served. */
const missingMs = (bounds.missing + 1) * 1000
const deadMs = (bounds.consumer + 1) * 1000
/** Who waits longer than this hangs, milliseconds; calls that have a deadline end before. */
const hangingMs = 3000
const deadlineMs = 1500

let world: RegistryWorld<FollowingRegistry>
let services = 0
const shown = new Set<NaiveFault>()

beforeAll(async () => {
  world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
})
afterAll(async () => {
  await world.close()
})

/** A registry with the fault, one without any, a service of their own, and who writes it down. */
interface Comparison {
  readonly naive: ReturnType<typeof createNaiveRegistry>
  /** Of the naive registry. */
  readonly client: EtcdClient
  readonly real: FollowingRegistry
  readonly recorder: Recorder
  readonly service: ServiceId
  readonly keyOf: (port: number) => string
  readonly instance: (port: number) => ReturnType<typeof instanceAt>
  /** Registers with what is not under test, for as long as the comparison lasts. */
  readonly provide: (...ports: number[]) => Promise<void>
  /** Both are asked from now on, the naive one again and again, as before every call. */
  readonly consume: () => Promise<void>
  /** Until both are served these. */
  readonly seen: (...ports: number[]) => Promise<void>
}

/** Answers what the checker has to say of the script. */
async function compare(
  faults: readonly NaiveFault[],
  script: (comparison: Comparison) => Promise<void>,
  options: { readonly deadlineMs?: number } = {},
): Promise<string[]> {
  services += 1
  const service = { name: `Beside${services}`, version: '1.0' }
  const prefix = `/rpc/${service.name}:1.0/`
  const recorder = new Recorder(world.etcd, prefix, bounds)
  const endpoints = world.driver.members().map(({ clientUrl }) => clientUrl)
  const client = new EtcdClient({ endpoints, ...options })
  const naive = createNaiveRegistry({ client, faults: new Set(faults), heartbeatMs })
  const real = world.open()
  const others = world.open()
  const stopping = new AbortController()
  let asking: Promise<void> = Promise.resolve()
  const instance = (port: number) => instanceAt(service, port)
  await script({
    ...{ naive, client, real, recorder, service, instance },
    keyOf: (port) => `${prefix}localhost:${port}`,
    async provide(...ports) {
      for (const port of ports) {
        await others.register(instance(port), { ttlSeconds })
        recorder.born(port, ttlSeconds * 1000)
      }
    },
    async consume() {
      recorder.consumer('real', await real.follow(service))
      asking = askOften({ naive, recorder, service, signal: stopping.signal })
    },
    seen: (...ports) =>
      waitFor(`both to be served ${ports.join()}`, () => {
        const served = recorder.served()
        return served.every((each) => each.ports.join() === ports.join()) || JSON.stringify(served)
      }),
  })
  const { history, end } = await recorder.end()
  stopping.abort()
  await Promise.all([naive.close(), real.close(), others.close()])
  client.close()
  await asking
  return checkHistory(history, end)
}

interface Asking {
  readonly naive: Registry
  readonly recorder: Recorder
  readonly service: ServiceId
  readonly signal: AbortSignal
}

async function askOften({ naive, recorder, service, signal }: Asking): Promise<void> {
  let last: Discovery = { instances: [], revision: '0', undecodable: [] }
  recorder.consumer('naive', { current: () => ({ ...last, trust: 'stale' }) })
  while (!signal.aborted) {
    // A lookup that throws leaves its caller with nobody to call.
    const nothing = { instances: [], revision: last.revision, undecodable: [] }
    last = await naive.discover(service).catch(() => nothing)
    await delay(30)
  }
}

/** The checker finds the fault, and with the same script nothing where it is off. */
function inHistory(
  fault: NaiveFault,
  script: (comparison: Comparison) => Promise<void>,
  others: readonly NaiveFault[] = [],
): void {
  shown.add(fault)
  const number = naiveFaults.find(({ name }) => name === fault)?.number
  it(`fault ${number}, ${fault}, is found in the history, and nothing without it`, async () => {
    const pattern = visibility[fault]
    if (!(pattern instanceof RegExp)) throw new Error(`${fault} is not said to be in a history`)
    const [broken, sound] = await Promise.all([
      compare([...others, fault], script),
      compare(others, script),
    ])
    expect(broken.filter((line) => pattern.test(line))).not.toEqual([])
    expect(broken.filter((line) => !pattern.test(line))).toEqual([])
    expect(sound).toEqual([])
  })
}

interface Expected {
  readonly on: unknown
  readonly off: unknown
  readonly others?: readonly NaiveFault[]
  /** Of every call, where it is not the default. */
  readonly deadlineMs?: number
}

/** The number differs from where the fault is off. */
function measured(
  fault: NaiveFault,
  { others = [], ...expected }: Expected,
  measure: (comparison: Comparison) => Promise<unknown>,
): void {
  shown.add(fault)
  const number = naiveFaults.find(({ name }) => name === fault)?.number
  it(`fault ${number}, ${fault}, shows in a number`, async () => {
    expect(visibility[fault]).toBe('measured')
    for (const [faults, wanted] of [
      [[...others, fault], expected.on],
      [others, expected.off],
    ] as const) {
      let answer: unknown
      const script = async (comparison: Comparison) => {
        answer = await measure(comparison)
      }
      await compare(faults, script, expected)
      expect(answer).toBe(wanted)
    }
  })
}

/** Lets something happen between the next answer to a Range and whatever follows it, and waits for it. */
function afterNextRange(client: EtcdClient, happen: () => Promise<unknown>): Promise<void> {
  const happened: PromiseWithResolvers<void> = Promise.withResolvers()
  const range = client.range.bind(client)
  vi.spyOn(client, 'range').mockImplementationOnce(async (...args) => {
    const answer = await range(...args)
    await happen()
    happened.resolve()
    return answer
  })
  return happened.promise
}

async function put({ keyOf, instance }: Comparison, at: number, port = at): Promise<void> {
  await world.etcd.put({ key: keyOf(at), value: JSON.stringify(instance(port)) })
}

async function registerNaively({ naive, recorder, instance }: Comparison, ...ports: number[]) {
  for (const port of ports) {
    await naive.register(instance(port), { ttlSeconds })
    recorder.born(port, ttlSeconds * 1000)
  }
}

describe.concurrent('the original beside its replacement', () => {
  inHistory('clears-wrong-key', async (comparison) => {
    const { recorder, consume, seen, keyOf } = comparison
    await put(comparison, 1)
    recorder.born(1, 0)
    await consume()
    await seen(1)
    await world.etcd.deleteRange({ key: keyOf(1) })
    recorder.died(1)
    await delay(deadMs)
  })

  inHistory('watches-known-keys-only', async ({ provide, consume, seen }) => {
    await provide(1)
    await consume()
    await seen(1)
    await provide(2)
    await delay(missingMs)
  })

  inHistory('caches-empty-list', async ({ provide, consume, naive, service }) => {
    await naive.discover(service)
    await consume()
    await provide(1)
    await delay(missingMs)
  })

  inHistory('ignores-puts', async ({ provide, consume, seen, keyOf }) => {
    await provide(1)
    await consume()
    await seen(1)
    // Its provider puts it back.
    await world.etcd.deleteRange({ key: keyOf(1) })
    await delay(missingMs)
  })

  inHistory('watch-without-revision', async ({ provide, consume, client }) => {
    await provide(1)
    const happened = afterNextRange(client, () => provide(2))
    await consume()
    await happened
    await delay(missingMs)
  })

  inHistory('watch-dies-silently', async ({ provide, consume, client }) => {
    await provide(1)
    const happened = afterNextRange(client, async () => {
      await provide(2)
      // The other comparison may have just compacted the same revision, which etcd refuses.
      await waitFor('the compaction', async (): Promise<true> => {
        await world.etcd.put({ key: 'later', value: '' })
        await world.compact()
        return true
      })
    })
    await consume()
    await happened
    await delay(missingMs)
  })

  inHistory('skips-expired-key', async (comparison) => {
    await registerNaively(comparison, 1)
    await comparison.consume()
    await comparison.seen(1)
    await world.etcd.deleteRange({ key: comparison.keyOf(1) })
    await delay(missingMs)
  })

  inHistory('trusts-read-back', async (comparison) => {
    await registerNaively(comparison, 1)
    await comparison.consume()
    await comparison.seen(1)
    await put(comparison, 1, 7)
    await delay(missingMs)
  })

  inHistory(
    'one-throw-stops-all',
    async (comparison) => {
      await registerNaively(comparison, 1, 2)
      await comparison.consume()
      await comparison.seen(1, 2)
      // Nobody misses the first, whom nobody can read.
      await world.etcd.put({ key: comparison.keyOf(1), value: 'not json' })
      comparison.recorder.died(1)
      await delay(missingMs + ttlSeconds * 1000)
    },
    ['heartbeat-rewrites', 'trusts-read-back'],
  )

  inHistory(
    'heartbeat-races-deregister',
    async (comparison) => {
      const { recorder, consume, seen, client, naive, instance } = comparison
      const registration = await naive.register(instance(1), { ttlSeconds })
      recorder.born(1, ttlSeconds * 1000)
      await consume()
      await seen(1)
      // The next Range is that of a beat: the naive consumer has its list.
      await afterNextRange(client, async () => {
        await registration.release()
        recorder.died(1)
      })
      await delay(deadMs)
    },
    ['heartbeat-rewrites'],
  )

  inHistory('undecodable-throws', async ({ provide, consume, keyOf }) => {
    await provide(2)
    await world.etcd.put({ key: keyOf(1), value: 'not json' })
    await consume()
    await delay(missingMs)
  })

  measured(
    'watches-pile-up',
    { on: 3, off: 0, others: ['watches-known-keys-only'] },
    async (all) => {
      const { naive, service, keyOf } = all
      for (const port of [1, 2, 3]) await put(all, port)
      await naive.discover(service)
      for (const port of [1, 2, 3]) await world.etcd.deleteRange({ key: keyOf(port) })
      await delay(1000)
      return naive.watched().length
    },
  )

  measured('heartbeat-rewrites', { on: true, off: false }, async (comparison) => {
    await registerNaively(comparison, 1)
    const revision = async () => {
      const { kvs } = await world.etcd.range({ key: comparison.keyOf(1) })
      return kvs[0]?.modRevision
    }
    const before = await revision()
    await delay(heartbeatMs * 5)
    return (await revision()) !== before
  })

  measured('never-revokes', { on: true, off: false }, async ({ naive, instance }) => {
    const registration = await naive.register(instance(1), { ttlSeconds: 30 })
    const { id } = registration.lease()
    await registration.release()
    return (await world.etcd.leaseTimeToLive(id)).remaining > 0
  })

  measured('no-single-flight', { on: 20, off: 1 }, async ({ client, naive, service, provide }) => {
    await provide(1)
    const range = vi.spyOn(client, 'range')
    await Promise.all(Array.from({ length: 20 }, () => naive.discover(service)))
    return range.mock.calls.length
  })
})

/** These need members that are away, which the others could not bear. */
describe('the original beside its replacement, while members are away', () => {
  inHistory('one-endpoint', async ({ provide, consume, recorder }) => {
    await provide(1)
    await recorder.outage(async () => {
      const [first] = world.driver.members()
      // The other comparison may have killed it.
      if (first?.state === 'running') await world.driver.kill(first.name)
      await world.leader()
    })
    await consume()
    await delay(missingMs)
  })

  measured('no-deadline', { on: 'hangs', off: 'ends', deadlineMs }, async ({ naive, service }) => {
    await world.heal()
    const members = world.driver.members().map(({ name }) => name)
    for (const name of members) await world.driver.pause(name)
    const asked = naive.discover(service).then(
      () => 'ends',
      () => 'ends',
    )
    const answer = await Promise.race([asked, delay(hangingMs, 'hangs')])
    await world.heal()
    await asked
    return answer
  })
})

it('every fault is shown, or said why not here', () => {
  const named = naiveFaults.map(({ name }) => name)
  const elsewhere = named.filter((name) => !shown.has(name))
  // Those have their scenarios in tests/integration/naive-faults.test.ts, as all others do too.
  expect(elsewhere.filter((name) => typeof visibility[name] !== 'object')).toEqual([])
  for (const name of elsewhere) expect(visibility[name]).toHaveProperty('notHere')
  expect(elsewhere).toHaveLength(3)
})
