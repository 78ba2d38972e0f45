import { setTimeout as delay } from 'node:timers/promises'
import { vi } from 'vitest'
import { countTokens } from '../helpers/count-tokens.ts'
import type { RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'
import type { FaultName } from './bounds.ts'
import type { Stage } from './stage.ts'

/** One thing that can go wrong. */
export interface FaultKind {
  readonly name: FaultName
  /** It takes long, so that of three runs of all kinds one has it; absent = each has. */
  readonly turn?: 0 | 1 | 2
  /** Resolves when the cause is gone; the stage then settles. */
  run(stage: Stage): Promise<void>
}

/** How long faults last, milliseconds. */
export interface FaultTimes {
  readonly leaderPaused: number
  readonly quorumLost: number
}

export const shortTimes: FaultTimes = { leaderPaused: 10_000, quorumLost: 8000 }
export const longTimes: FaultTimes = { leaderPaused: 60_000, quorumLost: 120_000 }

/** More than etcd's share of its disk here: 32 MiB. */
const fillBytes = 1_000_000
const mostFills = 40

export function faultKinds(times: FaultTimes): readonly FaultKind[] {
  return [
    {
      name: 'leader killed',
      async run({ world, recorder }) {
        let killed = ''
        await recorder.outage(async () => {
          killed = await world.killLeader()
        })
        await world.driver.start(killed)
      },
    },
    {
      name: 'leader paused',
      turn: 0,
      async run({ world, recorder }) {
        const leader = await world.leader()
        await recorder.outage(async () => {
          await world.driver.pause(leader)
          await world.leader()
        })
        await delay(times.leaderPaused)
        await world.driver.resume(leader)
      },
    },
    {
      name: 'quorum lost',
      turn: 1,
      async run(stage) {
        const { world, recorder, random } = stage
        const survivor = random.pick(stage.memberNames())
        const others = stage.memberNames().filter((name) => name !== survivor)
        await recorder.outage(async () => {
          for (const name of others) await world.driver.kill(name)
          await delay(times.quorumLost)
          await world.heal()
        })
      },
    },
    {
      name: 'own member paused',
      turn: 0,
      async run(stage) {
        const { world, recorder, pinned } = stage
        stage.blindPinned()
        await recorder.outage(async () => {
          await world.driver.pause(pinned.member)
          await world.leader()
        })
        await stage.deleteOneKey()
        await stage.addProvider()
        await delay(3000)
        await world.driver.resume(pinned.member)
      },
    },
    {
      name: 'history compacted while a consumer is cut off',
      async run(stage) {
        const { world, pinned } = stage
        stage.blindPinned()
        await world.driver.kill(pinned.member)
        await stage.addProvider()
        await stage.releaseProvider()
        await world.compact()
        stage.expectNewList('compacted', [pinned.listener])
        await world.driver.start(pinned.member)
      },
    },
    {
      name: 'all keys deleted',
      async run(stage) {
        await stage.calmDown()
        await stage.world.etcd.deleteRange({ prefix: stage.prefix })
      },
    },
    {
      name: 'one key deleted',
      async run(stage) {
        await stage.deleteOneKey()
      },
    },
    {
      name: 'value overwritten without a lease',
      async run(stage) {
        const { key, instance } = (await stage.calmProvider()).registration
        await stage.world.etcd.put({ key, value: JSON.stringify({ ...instance, weight: 7 }) })
      },
    },
    {
      name: 'value made undecodable',
      async run(stage) {
        const { registration } = await stage.calmProvider()
        const { id: lease } = registration.lease()
        await stage.world.etcd.put({ key: registration.key, value: 'garbage', lease })
      },
    },
    {
      name: 'lease revoked',
      async run(stage) {
        const { registration } = await stage.calmProvider()
        await stage.world.etcd.leaseRevoke(registration.lease().id)
      },
    },
    {
      name: 'authentication enabled',
      async run(stage) {
        const { world } = stage
        if (await isAuthenticationOn(world)) await world.etcdctl('auth', 'disable')
        // It stays on for the faults that follow.
        await world.etcdctl('auth', 'enable')
        await stage.deleteOneKey()
      },
    },
    {
      name: 'every token expired three times',
      turn: 2,
      async run(stage) {
        const { world } = stage
        if (!(await isAuthenticationOn(world))) await world.etcdctl('auth', 'enable')
        const tokens = countTokens()
        // Leases are renewed every 1.8 to 2 s; by then nearly every token has expired.
        const wanted = 3 * stage.registrations().length
        const look = () => tokens() >= wanted || `${tokens()} tokens of ${wanted}`
        await waitFor('three tokens for every provider', look, { timeoutMs: 40_000 })
        vi.restoreAllMocks()
        await stage.deleteOneKey()
      },
    },
    {
      name: 'certificates replaced',
      async run(stage) {
        const { world, secured, recorder } = stage
        await secured.replaceCertificates()
        // After its restart a member takes nobody who still shows the former ones.
        await recorder.outage(async () => {
          for (const name of stage.memberNames()) {
            await world.driver.kill(name)
            await world.driver.start(name)
          }
        })
      },
    },
    {
      name: 'member replaced',
      turn: 1,
      async run(stage) {
        const { world, recorder, random } = stage
        await recorder.outage(() => world.replaceMember(random.pick(stage.memberNames())))
      },
    },
    {
      name: 'etcd restored from an older copy',
      async run(stage) {
        const { world, recorder, listener, pinned } = stage
        await stage.calmDown()
        const copy = await world.save()
        await stage.addProvider()
        for (let n = 0; n < 25; n += 1) await world.etcd.put({ key: 'later', value: String(n) })
        await stage.seen()
        stage.expectNewList('history-changed', [listener, pinned.listener])
        await recorder.outage(() => world.restore(copy))
      },
    },
    {
      name: 'disk quota reached',
      async run(stage) {
        const { world, recorder } = stage
        // Whoever is chosen has to be there: nobody can register once there is no room.
        const { registration } = await stage.calmProvider()
        await recorder.outage(async () => {
          const value = Buffer.alloc(fillBytes, 1)
          await fillUntilRefused((n) => world.etcd.put({ key: `fill/${n}`, value }))
          // A provider that loses its key now cannot put it back before there is room.
          await world.etcd.deleteRange({ key: registration.key })
          await world.etcd.deleteRange({ prefix: 'fill/' })
          await world.compact()
          await world.defragment()
          await world.etcdctl('alarm', 'disarm')
        })
      },
    },
    {
      name: 'provider killed',
      async run(stage) {
        const provider = await stage.startProcess()
        await stage.seen()
        await provider.kill()
        stage.recorder.died(provider.port)
      },
    },
    {
      name: 'provider frozen for longer than its TTL',
      turn: 2,
      async run(stage) {
        const { recorder } = stage
        const provider = await stage.startProcess()
        await stage.seen()
        const from = recorder.now()
        provider.pause()
        await delay(provider.ttlMs * 2.5)
        provider.resume()
        recorder.frozen(provider.port, { from, to: recorder.now() })
        await stage.settle()
        await provider.kill()
        recorder.died(provider.port)
      },
    },
    {
      name: 'provider released and another registered',
      async run(stage) {
        await stage.releaseProvider()
        await stage.addProvider()
      },
    },
  ]
}

async function isAuthenticationOn({ etcdctl }: Pick<RegistryWorld, 'etcdctl'>): Promise<boolean> {
  return (await etcdctl('auth', 'status')).includes('Authentication Status: true')
}

async function fillUntilRefused(put: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < mostFills; n += 1) {
    try {
      await put(n)
    } catch (error) {
      if (error instanceof Error && error.message.includes('database space exceeded')) return
      throw error
    }
  }
  throw new Error(`${mostFills} MB were written and the quota was not reached`)
}
