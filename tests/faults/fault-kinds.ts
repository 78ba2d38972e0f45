import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from './stage.ts'

/** One thing that can go wrong. `run` resolves when the cause is gone; the stage then settles. */
export interface FaultKind {
  readonly name: string
  run(stage: Stage): Promise<void>
}

/** How long faults last, milliseconds: long enough for what they are to bring about. */
export interface FaultTimes {
  readonly leaderPaused: number
  readonly quorumLost: number
}

export const shortTimes: FaultTimes = { leaderPaused: 4000, quorumLost: 6000 }
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
      name: 'follower paused',
      async run({ world, random }) {
        const leader = await world.leader()
        const names = world.driver.members().map(({ name }) => name)
        const follower = random.pick(names.filter((name) => name !== leader))
        await world.driver.pause(follower)
        await delay(3000)
        await world.driver.resume(follower)
      },
    },
    {
      name: 'quorum lost',
      async run({ world, recorder, random }) {
        const names = world.driver.members().map(({ name }) => name)
        const survivor = random.pick(names)
        await recorder.outage(async () => {
          for (const name of names) if (name !== survivor) await world.driver.kill(name)
          await delay(times.quorumLost)
          await world.heal()
        })
      },
    },
    {
      name: 'history compacted while a consumer is cut off',
      async run(stage) {
        const { world, recorder, pinned } = stage
        const from = recorder.now()
        await world.driver.kill(pinned.member)
        await stage.addProvider()
        await stage.releaseProvider()
        await world.compact()
        await world.driver.start(pinned.member)
        await stage.settle()
        recorder.blinded(pinned.name, { from, to: recorder.now() })
      },
    },
    {
      name: 'all keys deleted',
      async run({ world, prefix }) {
        await world.etcd.deleteRange({ prefix })
      },
    },
    {
      name: 'one key deleted',
      async run(stage) {
        await stage.world.etcd.deleteRange({ key: stage.pickProvider().registration.key })
      },
    },
    {
      name: 'value overwritten without a lease',
      async run(stage) {
        const { key, instance } = stage.pickProvider().registration
        await stage.world.etcd.put({ key, value: JSON.stringify({ ...instance, weight: 7 }) })
      },
    },
    {
      name: 'value made undecodable',
      async run(stage) {
        const { registration } = stage.pickProvider()
        const { id: lease } = registration.lease()
        await stage.world.etcd.put({ key: registration.key, value: 'garbage', lease })
      },
    },
    {
      name: 'lease revoked',
      async run(stage) {
        await stage.world.etcd.leaseRevoke(stage.pickProvider().registration.lease().id)
      },
    },
    {
      name: 'etcd restored from an older copy',
      async run(stage) {
        const { world, recorder } = stage
        const copy = await world.save()
        await stage.addProvider()
        for (let n = 0; n < 25; n += 1) await world.etcd.put({ key: 'later', value: String(n) })
        await stage.seen()
        await recorder.outage(() => world.restore(copy))
      },
    },
    {
      name: 'disk quota reached',
      async run({ world, recorder, pickProvider }) {
        await recorder.outage(async () => {
          const value = Buffer.alloc(fillBytes, 1)
          await fillUntilRefused((n) => world.etcd.put({ key: `fill/${n}`, value }))
          // A provider that loses its key now cannot put it back before there is room.
          await world.etcd.deleteRange({ key: pickProvider().registration.key })
          await world.etcd.deleteRange({ prefix: 'fill/' })
          await world.compact()
          await world.etcdctl('defrag')
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
