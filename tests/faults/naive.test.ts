import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { createNaiveRegistry } from '../../lab-server/registry/naive/naive-registry.ts'
import type { NaiveRegistry } from '../../lab-server/registry/naive/naive-port.ts'
import type { Discovery, FollowingRegistry, ServiceId } from '../../lab-server/registry/registry.ts'
import {
  createRegistryWorld,
  type ProviderProcess,
  type RegistryWorld,
} from '../helpers/registry-world.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { checkHistory } from './check-history.ts'
import { Recorder } from './recorder.ts'

const bounds = { missing: 2000, lingering: 1500 }
const ttlSeconds = 2
/** Longer than any promise allows. */
const longMs = ttlSeconds * 1000 + bounds.missing + bounds.lingering
const service: ServiceId = { name: 'Beside', version: '1.0' }
const prefix = '/rpc/Beside:1.0/'

const instance = (port: number) => instanceAt(service, port)

/** A consumer that asks its registry all the time, as one asks before every call. */
function askOften(name: string, registry: NaiveRegistry, recorder: Recorder) {
  let last: Discovery = { instances: [], revision: '0', undecodable: [] }
  recorder.consumer(name, { current: () => ({ ...last, trust: 'stale' }) })
  const stop = new AbortController()
  const asking = (async () => {
    while (!stop.signal.aborted) {
      // A lookup that throws leaves its caller with nobody to call.
      const nothing = { instances: [], revision: last.revision, undecodable: [] }
      last = await registry.discover(service).catch(() => nothing)
      await delay(30)
    }
  })()
  return async () => {
    stop.abort()
    await asking
  }
}

interface CompareStage {
  readonly recorder: Recorder
  readonly naive: NaiveRegistry
  readonly real: FollowingRegistry
  /** At port 1; both know it. */
  readonly first: ProviderProcess
}

describe('the original beside its replacement', () => {
  let world: RegistryWorld<FollowingRegistry>

  beforeAll(async () => {
    world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
  })
  afterAll(async () => {
    await world.close()
  })

  /** Runs the script under both, and answers what the checker finds. */
  async function compare(script: (stage: CompareStage) => Promise<void>): Promise<string[]> {
    await world.etcd.deleteRange({ prefix })
    const recorder = new Recorder(world.etcd, prefix)
    const naive = createNaiveRegistry({ client: world.etcd, heartbeatMs: 500 })
    const real = world.open()
    const first = await world.startProvider(instance(1), ttlSeconds)
    recorder.born(1, ttlSeconds * 1000)
    recorder.consumer('real', await real.follow(service))
    const stopAsking = askOften('naive', naive, recorder)
    await waitFor('both to be served the first', () => {
      const served = recorder.served()
      return served.every(({ ports }) => ports.join() === '1') || JSON.stringify(served)
    })
    await script({ recorder, naive, real, first })
    await stopAsking()
    const { history, end } = await recorder.end()
    await first.kill()
    await naive.close()
    await real.close()
    return checkHistory(history, end, bounds)
  }

  it('is found to return a provider that is long dead (fault 1)', async () => {
    const broken = await compare(async ({ recorder, first }) => {
      await first.kill()
      recorder.died(1)
      await delay(longMs)
    })
    expect(broken).toEqual([expect.stringMatching(/^naive: 1 was dead and served for/)])
  })

  it('is found never to see a second provider (fault 2)', async () => {
    const broken = await compare(async ({ recorder }) => {
      const second = await world.startProvider(instance(2), ttlSeconds)
      recorder.born(2, ttlSeconds * 1000)
      await delay(bounds.missing * 2)
      await second.kill()
      recorder.died(2)
    })
    expect(broken).toEqual([expect.stringMatching(/^naive: 2 lived and was missing for/)])
  })

  it('is found to leave out a provider whose key has vanished (fault 10)', async () => {
    const broken = await compare(async ({ recorder, naive, real }) => {
      await naive.register(instance(3), { ttlSeconds: 30 })
      await real.register(instance(4), { ttlSeconds: 30 })
      for (const port of [3, 4]) recorder.born(port, 30_000)
      await world.etcd.deleteRange({ from: `${prefix}localhost:3`, to: `${prefix}localhost:5` })
      await delay(bounds.missing * 2)
    })
    const seenByReal = broken.filter((line) => line.startsWith('real'))
    expect(seenByReal).toEqual([expect.stringMatching(/^real: 3 lived and was missing for/)])
  })
})
