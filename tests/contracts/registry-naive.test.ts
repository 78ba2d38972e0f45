import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { wallClock, type WallClock } from '../../lab-server/registry/naive/heartbeat.ts'
import { createNaiveRegistry } from '../../lab-server/registry/naive/naive-registry.ts'
import type { Registry } from '../../lab-server/registry/registry.ts'
import { describeRegistry, type HoldContract } from './registry-contract.ts'

interface HeldContract {
  readonly title: string
  /** Numbers of the faults that predict it. */
  readonly faults: readonly number[]
  /** What the failure says; absent = none, the contract is kept after all. */
  readonly says?: string | RegExp
  /** What takes longer hangs, milliseconds. Default 12 000. */
  readonly limitMs?: number
  /** How long a fact is waited for that will not come, milliseconds. Default 1000. */
  readonly patienceMs?: number
  /** The heartbeat beats, every 100 ms; it stands still where the contract is not about it. */
  readonly beats?: true
  /** Deletes reach etcd only after a second: what nobody waits for has not happened yet. */
  readonly lateDeletes?: true
}

/** How long a contract may go on once its registries are closed, milliseconds. */
const mostAfterwardsMs = 10_000
const hangs = 'was still waiting when its time was up'

/** The contracts that the original would break, in the order of the suite; it keeps all others. */
const heldContracts: readonly HeldContract[] = [
  // Registering
  {
    title: 'again at the same address changes the instance and its TTL in place',
    faults: [4],
    says: 'the update',
  },
  {
    title: 'refuses an invalid instance before anything is sent',
    faults: [20],
    says: 'resolved',
  },
  { title: 'writes IPv6 in brackets', faults: [20], says: '/::1:9000' },
  // Being interrupted
  {
    title: 'takes back a registration whose caller no longer waits, however far it has come',
    faults: [14],
    says: /resolved|no registration/,
  },
  // Leaving
  {
    title: 'releases: the key and the lease are gone when it resolves, twice is fine',
    faults: [9],
    says: 'to be undefined',
    lateDeletes: true,
  },
  {
    title: 'releases one of two on the same lease and leaves the other alone',
    faults: [8],
    // Another lease. How much of it the message shows depends on how long the ids happen to be.
    says: / to deeply equal \{ (?:id: '|Object \(id)/,
  },
  {
    // Kept by luck: what takes the key away has not arrived yet.
    title: 'does not take away the key of a later owner',
    faults: [9, 13],
    lateDeletes: true,
  },
  { title: 'deregisters its own for good', faults: [9], says: 'undefined', lateDeletes: true },
  {
    title: 'deregisters what anybody else has put',
    faults: [9],
    says: 'undefined',
    lateDeletes: true,
  },
  {
    title: 'says so when there is nothing to deregister',
    faults: [9],
    says: 'resolved',
  },
  {
    title: 'stays released when a frozen leader wakes up and executes an old put',
    faults: [14, 17],
    says: hangs,
    limitMs: 4000,
  },
  { title: 'may register again right after a release', faults: [1, 4], says: 'to match object' },
  {
    title: 'closes: no key, no lease, no watch remains, and every call is refused',
    faults: [9],
    says: 'to deeply equal []',
  },
  // Keeping alive
  {
    title: 'costs one lease for each TTL, and moves no revision while nothing happens',
    faults: [8],
    says: 'length of 2 but got 20',
  },
  {
    title: 'lets the key of a killed process expire, and tells the watcher which instance went',
    faults: [1],
    says: 'the removal',
    patienceMs: 5000,
  },
  {
    title: 'puts the key back when somebody deletes it',
    faults: [10],
    says: 'no key',
    beats: true,
  },
  {
    title: 'puts its value back when somebody writes another value without a lease',
    faults: [11],
    says: 'the value',
    beats: true,
  },
  {
    title: 'puts its value back when somebody writes what cannot be read',
    faults: [11],
    says: 'the value',
    beats: true,
  },
  {
    title: 'puts all keys on a new lease when the lease is revoked',
    faults: [10],
    says: 'three keys',
    beats: true,
  },
  {
    title: 'yields to a later owner of the address, and comes back when that one has gone',
    faults: [11],
    says: 'the first to yield',
    beats: true,
  },
  // Watching
  {
    title: 'tells of the list first, then of every change',
    faults: [1, 2, 4],
    says: 'all changes',
  },
  { title: 'goes on from a revision: only what came after it', faults: [5], says: 'all changes' },
  { title: 'begins before the first instance exists', faults: [3], says: 'the instance' },
  {
    title: 'is not disturbed by a Java provider that repeats its PUT under a fresh lease',
    faults: [3],
    says: 'the removal',
  },
  {
    title: 'skips an undecodable neighbour, reports it, and carries on',
    faults: [16],
    says: 'is not JSON',
  },
  {
    title: 'lists again when the revision to go on from is compacted away',
    faults: [5],
    says: 'the new list',
  },
  {
    title: 'lists again when compaction overtakes it, and tells only of real differences',
    // Which of them shows depends on whether the first member leads.
    faults: [6, 14, 17],
    says: new RegExp(`the differences|${hangs}`),
    limitMs: 6000,
  },
  {
    title: 'loses, repeats and reorders nothing while ten leaders are killed under writes',
    faults: [3],
    says: 'the last write',
  },
  // An outage
  {
    title: 'of the leader costs no registration: same lease, and no watcher hears of it',
    faults: [8],
    // The key, with its lease.
    says: /^expected undefined to be '\d+'/,
  },
  {
    title: 'of two members for 60 s is survived by registrations and watches',
    faults: [14],
    says: hangs,
    limitMs: 4000,
  },
]

const seen = new Set<string>()
/** Every registry of the suite so far. */
const opened: Registry[] = []
/** The contract that is being held; null when it is one that the naive registry keeps. */
let held: HeldContract | null = null

/** A test that passes when the contract is kept or broken as the list says. */
const hold: HoldContract = (title, contract, timeoutMs) => {
  const entry = heldContracts.find((one) => one.title === title) ?? null
  seen.add(title)
  const says = entry?.says
  const run = async () => {
    held = entry
    try {
      if (says === undefined) await contract()
      else expect(await failureOf(contract, entry?.limitMs)).toMatch(says)
    } finally {
      held = null
    }
  }
  const numbers = entry?.faults.join(', ') ?? ''
  it(says === undefined ? title : `breaks, by fault ${numbers}: ${title}`, run, timeoutMs)
}

/** What a contract failed with; empty when it was kept. */
async function failureOf(contract: () => Promise<void>, limitMs = 12_000): Promise<string> {
  const outcome = contract().then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const inTime = await Promise.race([outcome, delay(limitMs, null)])
  if (inTime !== null) return inTime
  // What it waits for ends with its registries: it must not run on into the next test.
  await Promise.all(opened.map((registry) => registry.close()))
  const end = await Promise.race([outcome, delay(mostAfterwardsMs, null)])
  if (end === null) throw new Error('a contract goes on although its registries are closed')
  return hangs
}

/** Time that passes for the heartbeat only in contracts that are about it. */
const heldClock: WallClock = {
  ...wallClock,
  after(ms, action) {
    let callOff = () => {}
    const wait = () => {
      callOff = wallClock.after(ms, () => (held?.beats ? action() : wait()))
    }
    wait()
    return () => callOff()
  },
}

beforeAll(() => {
  // It gets its `this` from the mock.
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const { deleteRange } = EtcdClient.prototype
  vi.spyOn(EtcdClient.prototype, 'deleteRange').mockImplementation(async function (
    this: EtcdClient,
    ...args
  ) {
    if (held?.lateDeletes) await delay(1000)
    return await deleteRange.apply(this, args)
  })
})
afterAll(() => {
  vi.restoreAllMocks()
})

describeRegistry(
  'naive',
  (client) => {
    const registry = createNaiveRegistry({ client, clock: heldClock, heartbeatMs: 100 })
    opened.push(registry)
    return registry
  },
  { it: hold, patienceMs: () => (held ? (held.patienceMs ?? 1000) : 15_000), leaderKills: 1 },
)

describe('the list of contracts', () => {
  it('names only contracts of the suite', () => {
    const unknown = heldContracts.filter(({ title }) => !seen.has(title))
    expect(unknown).toEqual([])
  })
})
