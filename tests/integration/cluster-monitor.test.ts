import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClusterMonitor } from '../../lab-server/cluster/cluster-monitor.ts'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../../lab-server/cluster/monitor.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import {
  clusterSnapshot,
  faultRecord,
  type ClusterSnapshot,
  type FaultRecord,
} from '../../protocol/index.ts'
import { bringBackAll, createTestDriver, type TestDriver } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

const names = ['etcd1', 'etcd2', 'etcd3']
/** What a test of three members may wait for a leader; elections take 1 to 2 s. */
const leaderWithin = { timeoutMs: 15_000 }

let lab: TestDriver
let driver: ClusterDriver
let monitor: ClusterMonitor

beforeAll(async () => {
  lab = await createTestDriver()
  driver = lab.driver
  await bringBackAll(driver)
})
afterAll(async () => {
  await lab.remove()
})

describe('a healthy cluster', () => {
  withMonitor()

  it('is described by a whole snapshot that the protocol accepts', async () => {
    const leader = await monitor.waitForLeader(leaderWithin)
    const snapshot = clusterSnapshot.parse(monitor.snapshot())

    expect(snapshot.leader).toBe(leader)
    expect(snapshot.quorum).toEqual({ running: 3, needed: 2, total: 3, held: true })
    expect(snapshot.members.map((member) => member.name)).toEqual(names)
    for (const { name, process, status } of snapshot.members) {
      expect(process).toBe('running')
      expect(status).toMatchObject({ leader, isLeader: name === leader, term: snapshot.term })
      expect(BigInt(status?.raftIndex ?? '0')).toBeGreaterThan(0n)
      expect(status?.dbSize).toBeGreaterThan(0)
    }
    expect(Math.abs(snapshot.at - Date.now())).toBeLessThan(1000)
  })

  it('gives snapshots that nobody can change', async () => {
    await monitor.waitForLeader(leaderWithin)
    const { members, strip } = monitor.snapshot()
    expect(() => members.pop()).toThrow(TypeError)
    expect(() => Object.assign(strip, { from: 0 })).toThrow(TypeError)
    expect(() => Object.assign(members[0] ?? {}, { name: 'other' })).toThrow(TypeError)
  })

  it('sends a new snapshot about five times a second while someone watches', async () => {
    const seen: ClusterSnapshot[] = []
    const stop = monitor.watch((snapshot) => seen.push(clusterSnapshot.parse(snapshot)))
    await waitFor('ten snapshots', () => seen.length >= 10 || `there are ${seen.length}`)
    stop()
    const span = (seen[9]?.at ?? 0) - (seen[0]?.at ?? 0)
    expect(span).toBeGreaterThan(600)
    expect(span).toBeLessThan(6000)
    const count = seen.length
    await waitFor('writes to stop', () => !monitor.snapshot().probing || 'probing')
    expect(seen).toHaveLength(count)
  })

  it('resolves names and roles at this moment', async () => {
    const leader = await monitor.waitForLeader(leaderWithin)
    expect(await monitor.resolve('leader')).toBe(leader)
    const follower = await monitor.resolve('follower')
    expect(names).toContain(follower)
    expect(follower).not.toBe(leader)
    expect(await monitor.resolve('etcd2')).toBe('etcd2')
    await expect(monitor.resolve('etcd9')).rejects.toMatchObject({ code: 'NO_SUCH_MEMBER' })
    await expect(monitor.fault('kill', 'etcd9')).rejects.toMatchObject({ code: 'NO_SUCH_MEMBER' })
  })

  it('writes nothing while nobody looks, and probes while someone does', async () => {
    await monitor.waitForLeader(leaderWithin)
    const atRest = await raftIndexAtRest()
    const rounds = await roundsOf(monitor, 3)
    expect(rounds.at(-1)).toBe(atRest)
    expect(monitor.snapshot().probing).toBe(false)

    const stop = monitor.watch(() => undefined)
    await waitFor('a probe in the log', () => {
      return raftIndex() > atRest || `the index is ${raftIndex()}`
    })
    expect(monitor.snapshot().probing).toBe(true)
    await waitFor('acknowledged probes', () => {
      const last = monitor.snapshot().strip.writes.at(-1)
      return last?.state === 'ok' || `writes are ${String(last?.state)}`
    })
    stop()
    expect(monitor.snapshot().probing).toBe(false)
    expect(monitor.snapshot().strip.writes.at(-1)?.state).toBe('idle')
    const revisions = monitor.snapshot().members.map((member) => member.status?.revision)
    expect(new Set(revisions)).toEqual(new Set(['1']))
  })
})

describe('faults', () => {
  withMonitor()

  it('kills the leader, names the new one and measures both gaps', async () => {
    const old = await monitor.waitForLeader(leaderWithin)
    const began = Date.now()
    const begun = await monitor.fault('kill', 'leader')
    expect(begun).toMatchObject({ action: 'kill', member: old, wasLeader: true, measuring: true })

    const record = await settledRecord(begun)
    expect(record.newLeader).not.toBe(old)
    expect(names).toContain(record.newLeader)
    expect(record.leaderlessMs).toBeGreaterThan(0)
    expect(record.leaderlessMs).toBeLessThan(10_000)
    expect(record.writeGapMs).toBeGreaterThan(0)
    expect(record.writeGapMs).toBeLessThan(12_000)
    expect(record.widestSampleGapMs).toBeLessThan(record.leaderlessMs ?? 0)
    // Two survivors, every 10 ms each.
    expect(record.samples).toBeGreaterThan((record.leaderlessMs ?? 0) / 10)
    expect(record.at).toBeGreaterThanOrEqual(began - 1)

    const snapshot = clusterSnapshot.parse(monitor.snapshot())
    expect(snapshot.leader).toBe(record.newLeader)
    expect(snapshot.faults.at(-1)).toEqual(record)
    const victim = snapshot.members.find((member) => member.name === old)
    expect(victim).toMatchObject({ process: 'killed', status: null })
    expect(longestLeaderless(snapshot)).toBeGreaterThan((record.leaderlessMs ?? 0) * 0.9 - 20)
    await expect(monitor.waitForLeader(leaderWithin)).resolves.toBe(record.newLeader)
  })

  it('shows the gap of writes on the strip to whoever watches', async () => {
    await monitor.waitForLeader(leaderWithin)
    const stop = monitor.watch(() => undefined)
    await waitFor('writes to pass', () => lastWrites() === 'ok' || `they are ${lastWrites()}`)
    const record = await settledRecord(await monitor.fault('kill', 'leader'))
    const { at, strip } = clusterSnapshot.parse(monitor.snapshot())
    stop()
    const refused = strip.writes.filter((span) => span.state === 'refused')
    expect(refused).toHaveLength(1)
    const [gap] = refused
    const length = (gap?.to ?? 0) - (gap?.from ?? 0)
    expect(Math.abs(length - (record.writeGapMs ?? 0))).toBeLessThan(400)
    expect(strip.writes.at(-1)?.state).toBe('ok')
    for (const spans of [strip.leaders, strip.writes]) {
      expect(spans.at(-1)?.to).toBe(at)
      spans.slice(1).forEach((span, index) => {
        expect(span.from).toBe(spans[index]?.to)
      })
    }
  })

  it('loses far less to a leader that is stopped than to one that is killed', async () => {
    await monitor.waitForLeader(leaderWithin)
    const killed = await settledRecord(await monitor.fault('kill', 'leader'))
    await heal()
    const stopped = await settledRecord(await monitor.fault('stop', 'leader'))
    expect(stopped).toMatchObject({ action: 'stop', wasLeader: true })
    expect(stopped.newLeader).not.toBe(stopped.member)
    expect(stopped.leaderlessMs).toBeLessThan((killed.leaderlessMs ?? 0) / 2)
    expect(stopped.writeGapMs).toBeLessThan((killed.writeGapMs ?? 0) / 2)
  })

  it('counts from SIGSTOP when the leader is paused, and takes it back as a follower', async () => {
    const old = await monitor.waitForLeader(leaderWithin)
    const paused = await settledRecord(await monitor.fault('pause', 'leader'))
    expect(paused).toMatchObject({ action: 'pause', member: old, wasLeader: true })
    expect(paused.newLeader).not.toBe(old)
    // An election timeout is at least a second.
    expect(paused.leaderlessMs).toBeGreaterThan(500)
    expect(paused.leaderlessMs).toBeLessThan(10_000)
    expect(memberView(old)).toMatchObject({ process: 'paused', status: null })

    const resumed = await settledRecord(await monitor.fault('resume', old))
    expect(resumed).toMatchObject({ action: 'resume', wasLeader: false, leaderlessMs: null })
    await expect(monitor.waitForLeader(leaderWithin)).resolves.toBe(paused.newLeader)
    expect(memberView(old).status).toMatchObject({ isLeader: false, leader: paused.newLeader })
  })

  it('records the loss of a follower, which costs nothing', async () => {
    const leader = await monitor.waitForLeader(leaderWithin)
    const { term } = monitor.snapshot()
    const record = await settledRecord(await monitor.fault('kill', 'follower'))
    expect(record).toMatchObject({ wasLeader: false, leaderlessMs: null, newLeader: null })
    expect(record.writeGapMs).toBeLessThan(1000)
    expect(await monitor.waitForLeader(leaderWithin)).toBe(leader)
    expect(monitor.snapshot()).toMatchObject({ leader, term })
    expect(monitor.snapshot().quorum).toEqual({ running: 2, needed: 2, total: 3, held: true })
  })

  it('loses quorum with the second member, says so, and finds a leader when one returns', async () => {
    await monitor.waitForLeader(leaderWithin)
    await settledRecord(await monitor.fault('kill', 'follower'))
    const second = await monitor.fault('kill', 'leader')
    const lost = clusterSnapshot.parse(monitor.snapshot())
    expect(lost).toMatchObject({ leader: null, quorum: { running: 1, needed: 2, held: false } })
    const record = await settledRecord(second)
    expect(record).toMatchObject({ leaderlessMs: null, newLeader: null, writeGapMs: null })
    await expect(monitor.resolve('leader')).rejects.toMatchObject({ code: 'NO_LEADER' })
    await expect(monitor.resolve('follower')).rejects.toMatchObject({ code: 'NO_LEADER' })
    await expect(monitor.waitForLeader({ timeoutMs: 100 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })

    const back = await settledRecord(await monitor.fault('start', second.member))
    expect(back.newLeader).not.toBeNull()
    expect(back.leaderlessMs).toBeGreaterThan(0)
    expect(monitor.snapshot()).toMatchObject({ leader: back.newLeader, quorum: { held: true } })
  })

  it('records a leader that died by itself, with its writes only if someone looked', async () => {
    const old = await monitor.waitForLeader(leaderWithin)
    killFromOutside(old)
    await waitFor('a record', () => lastFault()?.member === old || 'no record')
    const record = await settledRecord(lastFault()!)
    expect(record).toMatchObject({ action: 'kill', wasLeader: true, writeGapMs: null })
    expect(record.leaderlessMs).toBeGreaterThan(0)
    expect(memberView(old).process).toBe('exited')
    expect(monitor.snapshot().strip.writes.map((span) => span.state)).toEqual(['idle'])
  })

  it('leaves no record of what the driver refuses', async () => {
    await monitor.waitForLeader(leaderWithin)
    await expect(monitor.fault('start', 'etcd1')).rejects.toMatchObject({ code: 'MEMBER_STATE' })
    await expect(monitor.fault('resume', 'leader')).rejects.toMatchObject({ code: 'MEMBER_STATE' })
    expect(monitor.snapshot().faults).toEqual([])
  })

  it('stops waiting for a measurement when told to', async () => {
    await monitor.waitForLeader(leaderWithin)
    const { id } = await monitor.fault('kill', 'leader')
    const enough = new AbortController()
    const waiting = monitor.settled(id, enough.signal)
    enough.abort()
    expect(await waiting).toMatchObject({ id, measuring: true, newLeader: null })
    expect(await monitor.settled(id)).toMatchObject({ id, measuring: false })
  })
})

describe('the end of a monitor', () => {
  withMonitor()

  it('ends what is measured and refuses what comes after', async () => {
    await monitor.waitForLeader(leaderWithin)
    const { id } = await monitor.fault('kill', 'leader')
    const waiting = monitor.settled(id)
    await monitor.close()
    expect(await waiting).toMatchObject({ id, measuring: false })
    await expect(monitor.resolve('leader')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(monitor.fault('kill', 'etcd1')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(monitor.waitForLeader(leaderWithin)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(monitor.close()).resolves.toBeUndefined()
  })

  it('leaves no connection open, also when it comes in the middle of a fault', async () => {
    await monitor.waitForLeader(leaderWithin)
    let open = 0
    const counted = createClusterMonitor({
      driver,
      connect: (url) => {
        const member = connectMember(url)
        open += 1
        return {
          ...member,
          close: () => {
            open -= 1
            member.close()
          },
        }
      },
    })
    await counted.waitForLeader(leaderWithin)
    expect(open).toBe(3)
    const fault = counted.fault('kill', 'leader')
    await counted.close()
    await expect(fault).rejects.toMatchObject({ code: 'CLOSED' })
    expect(open).toBe(0)
    expect(driver.members().map(({ state }) => state)).toEqual(['running', 'running', 'running'])
  })
})

/** Each test finds three healthy members and a monitor of its own. */
function withMonitor(): void {
  beforeEach(async () => {
    await bringBackAll(driver)
    monitor = createClusterMonitor({ driver, connect: (url) => connectMember(url) })
    return () => monitor.close()
  })
}

async function heal(): Promise<void> {
  await bringBackAll(driver)
  await monitor.waitForLeader(leaderWithin)
}

async function settledRecord({ id }: FaultRecord): Promise<FaultRecord> {
  const record = faultRecord.parse(await monitor.settled(id))
  expect(record.measuring).toBe(false)
  return record
}

function memberView(name: string) {
  const view = monitor.snapshot().members.find((member) => member.name === name)
  if (view === undefined) throw new Error(`The snapshot has no ${name}`)
  return view
}

function lastFault(): FaultRecord | undefined {
  return monitor.snapshot().faults.at(-1)
}

function lastWrites(): string {
  return monitor.snapshot().strip.writes.at(-1)?.state ?? 'unknown'
}

function killFromOutside(name: string): void {
  const pid = driver.members().find((member) => member.name === name)?.pid ?? null
  if (pid === null) throw new Error(`${name} has no process`)
  process.kill(pid, 'SIGKILL')
}

function longestLeaderless({ strip }: ClusterSnapshot): number {
  const spans = strip.leaders.filter((span) => span.leader === null)
  return Math.max(...spans.map((span) => span.to - span.from))
}

/** The highest index that any member has in its log. */
function raftIndex(): bigint {
  const indexes = monitor.snapshot().members.map(({ status }) => BigInt(status?.raftIndex ?? '0'))
  return indexes.reduce((highest, index) => (index > highest ? index : highest), 0n)
}

/** A fresh cluster still writes about itself: waits until two rounds see the same. */
async function raftIndexAtRest(): Promise<bigint> {
  let last = -1n
  await waitFor('the log to rest', async () => {
    const [before, after] = await roundsOf(monitor, 2)
    last = after ?? -1n
    return before === after || `it moved from ${before} to ${after}`
  })
  return last
}

/** The index after each of so many rounds of questions; without watchers a round is a second. */
async function roundsOf(asked: ClusterMonitor, count: number): Promise<bigint[]> {
  const seen: bigint[] = []
  let last: (number | undefined)[] = []
  await waitFor(`${count} rounds`, () => {
    const now = asked.snapshot().members.map(({ status }) => status?.latencyMs)
    if (now.every((latency, index) => latency !== undefined && latency !== last[index])) {
      last = now
      seen.push(raftIndex())
    }
    return seen.length >= count || `${seen.length} rounds`
  })
  return seen
}
