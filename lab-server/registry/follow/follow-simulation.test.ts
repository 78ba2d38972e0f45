import { describe, expect, test } from 'vitest'
import { seededRandom, type SeededRandom } from '../../../tests/helpers/seeded-random.ts'
import { rawInstance, rawPrefix } from '../../../tests/helpers/raw-instance.ts'
import type { WatchEvent } from '../../etcd/etcd-calls.ts'
import { diffViews, emptyView, listedView, type ServiceView } from '../view.ts'
import { reduceFollow, startFollowing, trustOf, type FollowEvent } from './follow-state.ts'

/**
 * Years of a consumer's life on a virtual clock: providers come and go, the watch breaks, history is
 * compacted and etcd is restored from older copies, in an order that a seed repeats exactly. Set
 * SIMULATION_SEED to replay one.
 */

const prefix = rawPrefix
const limits = { guardMs: 30_000, staleAfterMs: 5000 }
/** A living provider is back in a restored etcd by then. */
const backAfterMs = 20_000
const portCount = 12
const seeds = process.env['SIMULATION_SEED']
  ? [Number(process.env['SIMULATION_SEED'])]
  : Array.from({ length: 25 }, (_, index) => index + 1)
const stepsPerSeed = 2500

type Keys = ReadonlyMap<number, { readonly modRevision: number }>

/** etcd as far as a watch can tell: revisions, a history, and copies to go back to. */
class ModelEtcd {
  clusterId = 'c1'
  revision = 1
  compacted = 0
  keys: Keys = new Map()
  /** By revision, of the present history. */
  states = new Map<number, Keys>([[1, new Map()]])
  events = new Map<number, WatchEvent>()

  put(port: number): void {
    this.#write(port, true)
  }

  remove(port: number): void {
    if (this.keys.has(port)) this.#write(port, false)
  }

  copy(): ModelEtcd {
    return Object.assign(new ModelEtcd(), this, {
      states: new Map(this.states),
      events: new Map(this.events),
    })
  }

  portsAt(revision: number): number[] {
    const keys: Keys = this.states.get(revision) ?? new Map()
    return [...keys.keys()].toSorted((a, b) => a - b)
  }

  #write(port: number, present: boolean): void {
    this.revision += 1
    const keys = new Map(this.keys)
    if (present) keys.set(port, { modRevision: this.revision })
    else keys.delete(port)
    this.keys = keys
    this.states.set(this.revision, keys)
    const kv = rawInstance(port, this.revision)
    this.events.set(this.revision, { type: present ? 'put' : 'delete', kv, prevKv: null })
  }
}

class Simulation {
  readonly random: SeededRandom
  now = 0
  etcd = new ModelEtcd()
  copies: ModelEtcd[] = []
  alive = new Set<number>()
  /** When a living provider that a restore has lost puts itself back. */
  returning = new Map<number, number>()
  /** Those of them that the consumer knew: it must not lose them meanwhile. */
  readonly mustHold = new Set<number>()
  state = startFollowing(prefix)
  connected = false
  historyChanged = false
  told: ServiceView = emptyView(prefix)
  relists = 0
  restores = 0
  guards = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  step(): void {
    const action = this.random.pick([
      'start',
      'start',
      'stop',
      'stop',
      'hear',
      'hear',
      'hear',
      'cut',
      'compact',
      'copy',
      'restore',
      'exchange',
      'wait',
    ] as const)
    this.now += this.random.integer(action === 'wait' ? 86_400_000 : 9000)
    this.#bringBack()
    this.#act(action)
    this.#tick()
    this.#check()
  }

  #act(
    action:
      'start' | 'stop' | 'hear' | 'cut' | 'compact' | 'copy' | 'restore' | 'exchange' | 'wait',
  ) {
    const port = this.random.integer(portCount) + 1
    switch (action) {
      case 'start':
        this.alive.add(port)
        this.returning.delete(port)
        this.mustHold.delete(port)
        this.etcd.put(port)
        return
      case 'stop':
        this.alive.delete(port)
        this.returning.delete(port)
        this.mustHold.delete(port)
        this.etcd.remove(port)
        return
      case 'hear':
        this.#hear()
        return
      case 'cut':
        this.connected = false
        return
      case 'compact':
        this.etcd.compacted = this.etcd.revision
        return
      case 'copy':
        this.copies = [...this.copies.slice(-4), this.etcd.copy()]
        return
      case 'restore':
        if (this.copies.length > 0) this.#goBack(this.random.integer(this.copies.length))
        return
      case 'exchange':
        if (this.random.chance(0.2)) {
          const other = new ModelEtcd()
          other.clusterId = `c${String(this.random.integer(1e9))}`
          this.copies = []
          this.#restore(other)
        }
        return
      case 'wait':
    }
  }

  /** Copies of what comes after are of a history that never was. */
  #goBack(index: number): void {
    const copy = this.copies[index]
    if (copy === undefined) return
    this.copies = this.copies.slice(0, index + 1)
    this.#restore(copy.copy())
  }

  #restore(copy: ModelEtcd): void {
    this.restores += 1
    const { truth, served, clusterId } = this.state
    this.etcd = copy
    this.connected = false
    // A copy that is written past what was followed before anybody looks cannot be told from the
    // original; history.ts says so. Everything else is noticed.
    const isNoticed = clusterId !== copy.clusterId || (truth?.revision ?? 0n) > copy.revision
    const known = new Set(isNoticed ? portsOf(served) : [])
    for (const port of this.alive) {
      if (copy.keys.has(port)) continue
      this.returning.set(port, this.now + this.random.integer(backAfterMs))
      if (known.has(port)) this.mustHold.add(port)
      else this.mustHold.delete(port)
    }
    if (isNoticed) this.#hear()
    // Leases of the dead that the copy knows run out.
    for (const port of copy.keys.keys()) if (!this.alive.has(port)) this.etcd.remove(port)
  }

  #bringBack(): void {
    for (const [port, at] of this.returning) {
      if (at > this.now) continue
      this.returning.delete(port)
      this.mustHold.delete(port)
      this.etcd.put(port)
    }
  }

  /** What service-follower.ts does: watch from where it was, or list when that cannot go on. */
  #hear(): void {
    const { truth } = this.state
    const from = Number(truth?.revision ?? 0n)
    const overtaken = from + 1 <= this.etcd.compacted && from < this.etcd.revision
    const other =
      truth !== null && (this.state.clusterId !== this.etcd.clusterId || from > this.etcd.revision)
    this.historyChanged ||= other
    if (truth === null || (!this.connected && (overtaken || other))) this.#list()
    else this.#watch(from)
    this.connected = true
  }

  #list(): void {
    this.relists += 1
    const keys = [...this.etcd.keys].map(([port, { modRevision }]) =>
      rawInstance(port, modRevision),
    )
    const view = listedView(prefix, keys, String(this.etcd.revision))
    const { clusterId } = this.etcd
    const { historyChanged, now: at } = this
    this.#apply({ type: 'listed', view, clusterId, historyChanged, at })
    this.historyChanged = false
    if (this.state.guard) this.guards += 1
  }

  #watch(from: number): void {
    const to = from + this.random.integer(this.etcd.revision - from + 1)
    const events: WatchEvent[] = []
    for (let revision = from + 1; revision <= to; revision += 1) {
      const event = this.etcd.events.get(revision)
      if (event) events.push(event)
    }
    this.#apply({ type: 'batch', batch: { revision: String(to), events }, at: this.now })
  }

  #tick(): void {
    this.#apply({ type: 'tick', at: this.now })
  }

  #apply(event: FollowEvent): void {
    this.state = reduceFollow(this.state, event, limits)
  }

  #check(): void {
    const { truth, served, guard, clusterId } = this.state
    // What is told adds up to what is served.
    const known = new Set(this.told.entries.keys())
    for (const change of diffViews(this.told, served)) {
      if (change.type === 'removed') expect(known.delete(change.key)).toBe(true)
      else if (change.type === 'added') known.add(change.found.key)
    }
    expect(known).toEqual(new Set(served.entries.keys()))
    this.told = served
    if (truth === null) return
    for (const port of this.mustHold) expect(portsOf(served)).toContain(port)
    if (guard === null) expect(served).toBe(truth)
    else {
      expect(guard.until).toBeGreaterThan(this.now)
      expect(portsOf(served)).toEqual(expect.arrayContaining(portsOf(truth)))
      expect(trustOf(this.state, this.now, limits)).toBe('guarded')
    }
    if (clusterId !== this.etcd.clusterId || Number(truth.revision) > this.etcd.revision) return
    // The view is what the prefix was at the view's revision.
    expect(portsOf(truth)).toEqual(this.etcd.portsAt(Number(truth.revision)))
    if (Number(truth.revision) === this.etcd.revision) this.#checkLives()
  }

  /** Who lives is served once the consumer is up to date; who is dead for good is not, without guard. */
  #checkLives(): void {
    const served = new Set(portsOf(this.state.served))
    for (const port of this.alive) {
      if (!this.returning.has(port)) expect(served.has(port)).toBe(true)
    }
    if (this.state.guard !== null) return
    for (const port of served) expect(this.alive.has(port)).toBe(true)
  }
}

function portsOf(view: ServiceView): number[] {
  return [...view.entries.values()]
    .map(({ found }) => found?.instance.servicePort ?? 0)
    .toSorted((a, b) => a - b)
}

describe('a followed service over simulated years', () => {
  test.each(seeds)('keeps its promises with seed %i', (seed) => {
    const simulation = new Simulation(seed)
    for (let step = 0; step < stepsPerSeed; step += 1) simulation.step()
    // The run has seen what it is for.
    expect(simulation.restores).toBeGreaterThan(20)
    expect(simulation.relists).toBeGreaterThan(50)
    expect(simulation.guards).toBeGreaterThan(5)
    expect(simulation.now).toBeGreaterThan(30 * 86_400_000)
  })
})
