import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type {
  ClusterDriver,
  MemberEvent,
  MemberProcess,
} from '../../lab-server/cluster/cluster-driver.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import { localValue, putKey } from '../helpers/json-gateway.ts'
import { processRuns } from '../helpers/processes.ts'
import { bringBackAll } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** One adapter with a cluster of its own; nothing runs yet. */
export interface DriverFixture {
  readonly driver: ClusterDriver
  /** Removes what `driver.close()` leaves to others. Called after `close`. */
  remove(): Promise<void>
}

/** Whose the members are: after `close`, those of the driver are gone, those of others go on. */
export type Ownership = 'own' | 'attached'

/** The suite that every ClusterDriver passes. `createFixture` makes a new cluster at each call. */
export function describeClusterDriver(
  adapter: string,
  createFixture: () => Promise<DriverFixture>,
  ownership: Ownership = 'own',
): void {
  describe(`a running cluster of the ${adapter} driver`, () => {
    describeRunningCluster(createFixture)
  })
  describe(`the life of a ${adapter} driver`, () => {
    if (ownership === 'own') describeEnd(createFixture)
    else describeLeaving(createFixture)
    describeLife(createFixture)
  })
}

function describeRunningCluster(createFixture: () => Promise<DriverFixture>): void {
  let fixture: DriverFixture
  let driver: ClusterDriver

  beforeAll(async () => {
    fixture = await createFixture()
    driver = fixture.driver
    await bringBackAll(driver)
  })
  afterAll(async () => {
    await driver.close()
    await fixture.remove()
  })
  // Each test finds three running members, whatever the one before it left.
  beforeEach(() => heal(driver))

  it('names its members in order, with a URL, a process and a time each', () => {
    const members = driver.members()
    expect(members.map((member) => member.name)).toEqual(['etcd1', 'etcd2', 'etcd3'])
    for (const member of members) {
      expect(member.state).toBe('running')
      expect(member.pid).toBeGreaterThan(0)
      expect(member.clientUrl).toMatch(/^(unix:\/\/\/|http:\/\/)/)
      expect(Math.abs(Date.now() - member.since)).toBeLessThan(60_000)
    }
    expect(new Set(members.map((member) => member.clientUrl)).size).toBe(3)
  })

  it('has a member answer its clients at the moment start resolves', async () => {
    await driver.kill('etcd2')
    await driver.start('etcd2')
    const status = await askStatus(memberNamed(driver, 'etcd2'))
    expect(status.leaderId).not.toBeNull()
  })

  it('kills a member: the process is gone and the state says so', async () => {
    const { pid } = memberNamed(driver, 'etcd1')
    await driver.kill('etcd1')
    expect(processRuns(pid)).toBe(false)
    expect(memberNamed(driver, 'etcd1')).toMatchObject({
      state: 'killed',
      pid: null,
      exit: { signal: 'SIGKILL' },
    })
  })

  it('stops a member: it ends by itself, with its data written', async () => {
    const { pid } = memberNamed(driver, 'etcd1')
    await driver.stop('etcd1')
    expect(processRuns(pid)).toBe(false)
    const stopped = memberNamed(driver, 'etcd1')
    expect(stopped).toMatchObject({ state: 'stopped', pid: null })
    expect(stopped.exit?.signal).not.toBe('SIGKILL')
  })

  it('brings a killed member back with what it had and what it missed', async () => {
    await putKey(memberNamed(driver, 'etcd1').clientUrl, 'before', 'kept')
    await driver.kill('etcd3')
    await putThroughAnyOf(driver, ['etcd1', 'etcd2'], 'meanwhile', 'caught up')
    await driver.start('etcd3')

    const { clientUrl } = memberNamed(driver, 'etcd3')
    expect(await localValue(clientUrl, 'before')).toBe('kept')
    await waitFor('etcd3 to catch up', async () => {
      const value = await localValue(clientUrl, 'meanwhile')
      return value === 'caught up' || `it has ${String(value)}`
    })
  })

  it('pauses a member: it answers nobody and keeps its process', async () => {
    const before = memberNamed(driver, 'etcd2')
    await driver.pause('etcd2')
    expect(memberNamed(driver, 'etcd2')).toMatchObject({ state: 'paused', pid: before.pid })
    await expect(askStatus(before, 300)).rejects.toMatchObject({ code: 'TIMEOUT' })

    await driver.resume('etcd2')
    expect(memberNamed(driver, 'etcd2')).toMatchObject({ state: 'running', pid: before.pid })
    await expect(askStatus(before)).resolves.toMatchObject({ errors: [] })
  })

  it('kills a paused member', async () => {
    const { pid } = memberNamed(driver, 'etcd2')
    await driver.pause('etcd2')
    await driver.kill('etcd2')
    expect(processRuns(pid)).toBe(false)
    expect(memberNamed(driver, 'etcd2').state).toBe('killed')
  })

  it('stops a paused member gracefully', async () => {
    await driver.pause('etcd2')
    await driver.stop('etcd2')
    const stopped = memberNamed(driver, 'etcd2')
    expect(stopped.state).toBe('stopped')
    expect(stopped.exit?.signal).not.toBe('SIGKILL')
  })

  it('notices a member that ended by itself, and when', async () => {
    const events: MemberEvent[] = []
    const stopListening = driver.onChange((event) => events.push(event))
    const { pid } = memberNamed(driver, 'etcd3')
    if (pid === null) throw new Error('etcd3 has no process')
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')

    await waitFor('etcd3 to be seen ended', () => {
      const { state } = memberNamed(driver, 'etcd3')
      return state === 'exited' || `it is ${state}`
    })
    stopListening()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ member: 'etcd3', state: 'exited' })
    const seenAfter = (events[0]?.monotonic ?? 0) - killedAt
    expect(seenAfter).toBeGreaterThanOrEqual(0)
    expect(seenAfter).toBeLessThan(2000)
    expect(Math.abs((events[0]?.at ?? 0) - Date.now())).toBeLessThan(5000)

    await driver.start('etcd3')
    expect(memberNamed(driver, 'etcd3').state).toBe('running')
  })

  it('tells its listeners of every change, in order, until they leave', async () => {
    const states: string[] = []
    const stopListening = driver.onChange((event) => states.push(`${event.member} ${event.state}`))
    await driver.pause('etcd1')
    await driver.resume('etcd1')
    await driver.kill('etcd1')
    await driver.start('etcd1')
    stopListening()
    await driver.stop('etcd1')
    expect(states).toEqual([
      'etcd1 paused',
      'etcd1 running',
      'etcd1 killed',
      'etcd1 starting',
      'etcd1 running',
    ])
  })

  it('refuses what the state of a member does not allow, and changes nothing', async () => {
    const wrongState = { code: 'MEMBER_STATE', details: { member: 'etcd1' } }
    await expect(driver.start('etcd1')).rejects.toMatchObject(wrongState)
    await expect(driver.resume('etcd1')).rejects.toMatchObject(wrongState)
    expect(memberNamed(driver, 'etcd1').state).toBe('running')

    await driver.pause('etcd1')
    await expect(driver.pause('etcd1')).rejects.toMatchObject(wrongState)
    await expect(driver.start('etcd1')).rejects.toMatchObject(wrongState)
    expect(memberNamed(driver, 'etcd1').state).toBe('paused')

    await driver.kill('etcd1')
    await expect(driver.kill('etcd1')).rejects.toMatchObject(wrongState)
    await expect(driver.stop('etcd1')).rejects.toMatchObject(wrongState)
    await expect(driver.pause('etcd1')).rejects.toMatchObject(wrongState)
    await expect(driver.resume('etcd1')).rejects.toMatchObject(wrongState)
    expect(memberNamed(driver, 'etcd1').state).toBe('killed')
  })

  it('refuses a member that is not there', async () => {
    const unknown = { code: 'NO_SUCH_MEMBER', details: { member: 'etcd4' } }
    await expect(driver.start('etcd4')).rejects.toMatchObject(unknown)
    await expect(driver.stop('etcd4')).rejects.toMatchObject(unknown)
    await expect(driver.kill('etcd4')).rejects.toMatchObject(unknown)
    await expect(driver.pause('etcd4')).rejects.toMatchObject(unknown)
    await expect(driver.resume('etcd4')).rejects.toMatchObject(unknown)
    await expect(driver.logs('etcd4', { lines: 1 })).rejects.toMatchObject(unknown)
  })

  it('lets one of two simultaneous starts win', async () => {
    await driver.kill('etcd2')
    const starts = await Promise.allSettled([driver.start('etcd2'), driver.start('etcd2')])
    expect(starts.map((start) => start.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(memberNamed(driver, 'etcd2').state).toBe('running')
  })

  it('gives the newest log lines, oldest first, across restarts', async () => {
    const marker = (await driver.logs('etcd1', { lines: 5 })).at(-1)
    if (marker === undefined) throw new Error('etcd1 logged nothing')
    await driver.kill('etcd1')
    await driver.start('etcd1')
    const lines = await driver.logs('etcd1', { lines: 1000 })
    expect(lines).toContain(marker)
    expect(lines.lastIndexOf(marker)).toBeLessThan(lines.length - 1)
    expect(await driver.logs('etcd1', { lines: 3 })).toHaveLength(3)
  })

  it('brings the cluster back one by one after all three were killed', async () => {
    await putKey(memberNamed(driver, 'etcd1').clientUrl, 'outage', 'survived')
    await Promise.all(driver.members().map(({ name }) => driver.kill(name)))
    // Alone it cannot have a leader; still its process is up, and start says so.
    await driver.start('etcd1')
    expect(memberNamed(driver, 'etcd1').state).toBe('running')
    await driver.start('etcd2')
    await driver.start('etcd3')
    expect(await localValue(memberNamed(driver, 'etcd3').clientUrl, 'outage')).toBe('survived')
  })
}

function describeEnd(createFixture: () => Promise<DriverFixture>): void {
  it('closes with members running, paused and killed, and leaves no process', async () => {
    const fixture = await createFixture()
    const { driver } = fixture
    await bringBackAll(driver)
    const pids = driver.members().map((member) => member.pid)
    await driver.pause('etcd1')
    await driver.kill('etcd2')
    await driver.close()
    for (const pid of pids) expect(processRuns(pid)).toBe(false)

    await expect(driver.close()).resolves.toBeUndefined()
    await expectClosed(driver)
    await fixture.remove()
  })

  it('closes while members start: the starts are told, no process stays', async () => {
    const fixture = await createFixture()
    const { driver } = fixture
    const starts = Promise.allSettled(driver.members().map(({ name }) => driver.start(name)))
    await waitFor(
      'processes',
      () => driver.members().every(({ pid }) => pid !== null) || 'none yet',
    )
    const pids = driver.members().map((member) => member.pid)
    await driver.close()
    for (const outcome of await starts) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    }
    for (const pid of pids) expect(processRuns(pid)).toBe(false)
    await fixture.remove()
  })
}

function describeLeaving(createFixture: () => Promise<DriverFixture>): void {
  it('closes and leaves its members as they are, but none frozen', async () => {
    const fixture = await createFixture()
    const { driver } = fixture
    await bringBackAll(driver)
    const [first, second, third] = driver.members()
    await driver.pause('etcd1')
    await driver.kill('etcd2')
    await driver.close()
    expect(processRuns(first?.pid ?? null)).toBe(true)
    expect(processRuns(second?.pid ?? null)).toBe(false)
    expect(processRuns(third?.pid ?? null)).toBe(true)
    // It answers, so it has been resumed.
    await expect(askStatus(first!)).resolves.toMatchObject({ errors: [] })

    await expect(driver.close()).resolves.toBeUndefined()
    await expectClosed(driver)
    await fixture.remove()
  })

  it('closes while members start: the starts are told', async () => {
    const fixture = await createFixture()
    const { driver } = fixture
    const starts = Promise.allSettled(driver.members().map(({ name }) => driver.start(name)))
    await driver.close()
    for (const outcome of await starts) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    }
    await fixture.remove()
  })
}

async function expectClosed(driver: ClusterDriver): Promise<void> {
  const closed = { code: 'CLOSED' }
  await expect(driver.start('etcd1')).rejects.toMatchObject(closed)
  await expect(driver.kill('etcd1')).rejects.toMatchObject(closed)
  await expect(driver.logs('etcd1', { lines: 1 })).rejects.toMatchObject(closed)
}

function describeLife(createFixture: () => Promise<DriverFixture>): void {
  it('gives up a start when asked to, and the member can be started again', async () => {
    const fixture = await createFixture()
    const { driver } = fixture
    const giveUp = new AbortController()
    const start = driver.start('etcd1', { signal: giveUp.signal })
    giveUp.abort()
    await expect(start).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(memberNamed(driver, 'etcd1')).toMatchObject({ state: 'killed', pid: null })
    await bringBackAll(driver)
    await driver.close()
    await fixture.remove()
  })
}

async function heal(driver: ClusterDriver): Promise<void> {
  await bringBackAll(driver)
  await waitFor('every member to name a leader', async () => {
    const answers = await Promise.all(driver.members().map((member) => askStatus(member)))
    const leaders = new Set(answers.map((answer) => answer.leaderId))
    const agreed = leaders.size === 1 && !leaders.has(null)
    return agreed ? true : `they name ${[...leaders].join(', ')}`
  })
}

function memberNamed(driver: ClusterDriver, name: string): MemberProcess {
  const member = driver.members().find((each) => each.name === name)
  if (member === undefined) throw new Error(`The driver has no ${name}`)
  return member
}

async function askStatus({ clientUrl }: MemberProcess, deadlineMs = 2000) {
  const connection = connectMember(clientUrl)
  try {
    return await connection.status({ deadlineMs })
  } finally {
    connection.close()
  }
}

/** A write that goes on trying while the survivors elect a leader. */
async function putThroughAnyOf(
  driver: ClusterDriver,
  names: readonly string[],
  key: string,
  value: string,
): Promise<void> {
  await waitFor(`a write of ${key}`, async () => {
    const urls = names.map((name) => memberNamed(driver, name).clientUrl)
    await Promise.any(urls.map((url) => putKey(url, key, value)))
    return true as const
  })
}
