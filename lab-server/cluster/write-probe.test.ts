import { describe, expect, it } from 'vitest'
import type { EtcdMember } from '../etcd/etcd-member.ts'
import type { Clock } from './clock.ts'
import { MemberPoller } from './member-poller.ts'
import { WriteProbe } from './write-probe.ts'

/** A member whose probes end when the test says so. */
class ScriptedMember {
  readonly waiting: { resolve: () => void; reject: () => void; deadlineMs: number }[] = []
  readonly poller: MemberPoller

  constructor(name: string, clock: Clock) {
    const member: EtcdMember = {
      status: () => Promise.reject(new Error('not asked here')),
      memberNames: () => Promise.reject(new Error('not asked here')),
      close: () => undefined,
      probeWrite: ({ deadlineMs }) =>
        new Promise((resolve, reject) => {
          this.waiting.push({
            deadlineMs,
            resolve: () => resolve(1),
            reject: () => reject(new Error('deadline')),
          })
        }),
    }
    this.poller = new MemberPoller(name, () => member, clock)
  }
}

function scene() {
  let now = 0
  const clock: Clock = { now: () => now, epoch: () => now, after: () => () => undefined }
  const states: string[] = []
  const acks: { startedAt: number; at: number }[] = []
  const probe = new WriteProbe(clock, {
    onAck: (write) => acks.push(write),
    onState: (at, state) => states.push(`${at} ${state}`),
  })
  const members = ['etcd1', 'etcd2'].map((name) => new ScriptedMember(name, clock))
  return {
    probe,
    members,
    pollers: members.map(({ poller }) => poller),
    states,
    acks,
    at: (ms: number) => {
      now = ms
    },
  }
}

/** Lets promises that have been settled reach those who wait for them. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('WriteProbe', () => {
  it('sends nothing until it is turned on, and says idle when it is turned off', () => {
    const { probe, members, pollers, states } = scene()
    probe.calm(pollers)
    probe.burst(pollers)
    expect(members.flatMap(({ waiting }) => waiting)).toEqual([])
    expect(probe.turn(true)).toBe(true)
    expect(probe.turn(true)).toBe(false)
    expect(probe.turn(false)).toBe(true)
    expect(states).toEqual(['0 idle'])
  })

  it('takes turns while it is calm', () => {
    const { probe, members, pollers } = scene()
    probe.turn(true)
    for (let round = 0; round < 4; round += 1) probe.calm(pollers)
    expect(members.map(({ waiting }) => waiting.length)).toEqual([2, 2])
  })

  it('goes through all survivors every 25 ms in a burst, with short deadlines', () => {
    const { probe, members, pollers, at } = scene()
    probe.turn(true)
    for (let ms = 0; ms <= 100; ms += 5) {
      at(ms)
      probe.burst(pollers)
    }
    expect(members.map(({ waiting }) => waiting.length)).toEqual([5, 5])
    expect(members[0]?.waiting[0]?.deadlineMs).toBeLessThanOrEqual(200)
  })

  it('has no more than ten probes in flight through one member', () => {
    const { probe, members, pollers, at } = scene()
    probe.turn(true)
    for (let ms = 0; ms <= 2000; ms += 5) {
      at(ms)
      probe.burst(pollers)
    }
    expect(members.map(({ waiting }) => waiting.length)).toEqual([10, 10])
  })

  it('reports an acknowledged write with both its times', async () => {
    const { probe, members, pollers, states, acks, at } = scene()
    probe.turn(true)
    at(10)
    probe.burst(pollers)
    at(15)
    members[1]?.waiting[0]?.resolve()
    await settle()
    expect(acks).toEqual([{ startedAt: 10, at: 15 }])
    expect(states).toEqual(['15 ok'])
  })

  it('calls writes refused from the oldest probe on that nothing answered', async () => {
    const { probe, members, pollers, states, at } = scene()
    probe.turn(true)
    at(10)
    probe.burst(pollers)
    at(60)
    members[0]?.waiting[0]?.reject()
    await settle()
    probe.burst(pollers)
    expect(states).toEqual([])
    at(120)
    probe.burst(pollers)
    expect(states).toEqual(['10 refused'])
    members[1]?.waiting[1]?.resolve()
    await settle()
    expect(states).toEqual(['10 refused', '120 ok'])
  })

  it('calls writes refused when no member runs at all', () => {
    const { probe, states, at } = scene()
    probe.turn(true)
    at(10)
    probe.calm([])
    at(500)
    probe.calm([])
    expect(states).toEqual(['10 refused'])
  })

  it('counts no write that is acknowledged after it was turned off', async () => {
    const { probe, members, pollers, acks, at } = scene()
    probe.turn(true)
    probe.burst(pollers)
    at(5)
    probe.turn(false)
    members[0]?.waiting[0]?.resolve()
    await settle()
    expect(acks).toEqual([])
  })
})
