import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { seededRandom, type SeededRandom } from '../../../tests/helpers/seeded-random.ts'
import { LabError } from '../../../protocol/index.ts'
import { RegistrarCore, type Effect } from './registrar-core.ts'
import type { LeaseEvent } from './lease-state.ts'
import type { SeenKey } from './registration-plan.ts'
import type { Moment, RegistrationEvent } from './registration-state.ts'

/**
 * Months of a provider's life on a virtual clock, in an order that a seed repeats exactly: keys are
 * deleted, overwritten and taken over, leases revoked, history compacted, etcd restored from older
 * copies, lost for minutes, and calls answered late, not at all, or executed long after they were given
 * up. After every round etcd is left alone for a while, and what is in it must be what was wished.
 * Set SIMULATION_SEEDS to run more of them, SIMULATION_SEED to replay one, and SIMULATION_TRACE to see every step of it.
 */

const seeds = process.env['SIMULATION_SEED']
  ? [Number(process.env['SIMULATION_SEED'])]
  : Array.from({ length: Number(process.env['SIMULATION_SEEDS'] ?? 25) }, (_, index) => index + 1)
const isTraced = process.env['SIMULATION_TRACE'] !== undefined
const roundsPerSeed = 60
const keys = ['/rpc/S:1.0/h:1', '/rpc/S:1.0/h:2', '/rpc/S:1.0/h:3', '/rpc/T:1.0/h:4'] as const
const ttls = [15, 30] as const
const deadlineMs = 10_000
/** Calls under way, a pause of at most 10 s, another call, and the watch in between. */
const calmMs = 60_000
const hourMs = 3_600_000

interface ModelLease {
  readonly ttlMs: number
  endsAt: number
}

/** etcd as far as a provider can tell. */
class ModelEtcd {
  revision = 1
  compacted = 0
  keys = new Map<string, NonNullable<SeenKey>>()
  leases = new Map<string, ModelLease>()
  /** Of the present history, by key, in order. */
  log = new Map<string, readonly { readonly revision: number; readonly seen: SeenKey }[]>()

  write(key: string, value: string, lease: string): string {
    this.revision += 1
    const seen = { modRevision: String(this.revision), lease, value }
    this.keys.set(key, seen)
    this.#log(key, seen)
    return seen.modRevision
  }

  remove(key: string): void {
    if (!this.keys.delete(key)) return
    this.revision += 1
    this.#log(key, null)
  }

  #log(key: string, seen: SeenKey): void {
    this.log.set(key, [...(this.log.get(key) ?? []), { revision: this.revision, seen }])
  }

  endLease(id: string): void {
    if (!this.leases.delete(id)) return
    for (const [key, { lease }] of [...this.keys]) if (lease === id) this.remove(key)
  }

  /** A new leader gives every lease its whole time again. */
  renewAll(at: number): void {
    for (const lease of this.leases.values()) lease.endsAt = at + lease.ttlMs
  }

  copy(): ModelEtcd {
    return Object.assign(new ModelEtcd(), this, {
      keys: new Map(this.keys),
      leases: new Map([...this.leases].map(([id, lease]) => [id, { ...lease }])),
      log: new Map(this.log),
    })
  }
}

/** Something that happens by itself. */
interface Due {
  readonly at: number
  readonly run: () => void
}

interface Wish {
  readonly value: string
  readonly ttlSeconds: number
}

class Simulation {
  readonly random: SeededRandom
  readonly core = new RegistrarCore()
  now = 0
  etcd = new ModelEtcd()
  copy = this.etcd.copy()
  /** Without a quorum nothing is executed, and no lease ends. */
  hasQuorum = true
  /** Every other call or so goes wrong. */
  isRough = false
  /** Until then the process of the provider does nothing. */
  pausedUntil = 0
  /** The watch hears nothing meanwhile. */
  deafUntil = 0
  /** What each caller wants; absent = released. */
  readonly wishes = new Map<string, Wish>()
  /** Who may be overwritten. */
  readonly claims = new Set<string>()
  readonly watches = new Map<string, { next: number; readonly etcd: ModelEtcd }>()
  readonly wakes = new Map<string, number>()
  readonly counts = { writes: 0, rejoins: 0, executedLate: 0 }
  #queue: { readonly at: number; readonly order: number; readonly run: () => void }[] = []
  #order = 0
  #ids = 0
  /** By key: where the last answer came from. The stream of the watches notices another history. */
  readonly #knownIn = new Map<string, ModelEtcd>()

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** Lets the time pass, and everything happen that falls into it. */
  pass(ms: number): void {
    const end = this.now + ms
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.now = next.at
      next.run()
    }
    this.now = end
  }

  wish(key: string, wish: Wish | null): void {
    const state = this.core.registration(key)
    // As the registry does: one owner of a key at a time.
    if (wish !== null && state !== undefined && state.removal !== null) {
      if (state.phase !== 'removed') return
      this.tell(key, { type: 'stop' })
    }
    if (wish === null) this.wishes.delete(key)
    else this.wishes.set(key, wish)
    this.claims.add(key)
    this.tell(key, { type: 'wish', wanted: wish })
  }

  tell(key: string, event: RegistrationEvent): void {
    this.trace(key, event)
    for (const effect of this.core.tell(key, event, this.#moment())) this.#do(effect)
  }

  tellLeases(event: LeaseEvent): void {
    this.trace('leases', event)
    for (const effect of this.core.tellLeases(event, this.#moment())) this.#do(effect)
  }

  trace(...what: unknown[]): void {
    if (isTraced) process.stdout.write(`${this.now.toFixed(0)} ${inspect(what)}\n`)
  }

  takeOver(key: string): void {
    const id = `foreign-${(this.#ids += 1)}`
    this.etcd.leases.set(id, { ttlMs: hourMs * 10_000, endsAt: Infinity })
    this.etcd.write(key, 'foreign', id)
  }

  endForeign(): void {
    for (const id of [...this.etcd.leases.keys()]) if (isForeign(id)) this.etcd.endLease(id)
  }

  restore(): void {
    this.etcd = this.copy.copy()
    this.etcd.renewAll(this.now)
  }

  #moment(): Moment {
    return { at: this.now, random: () => this.random.next() }
  }

  /** The earliest of: an answer, a timer, the end of a lease, news for a watch. */
  #next(end: number): Due | null {
    const awake = Math.max(this.now, this.pausedUntil)
    let next: Due | null = null
    const offer = (due: Due) => {
      if (due.at <= end && (next === null || due.at < next.at)) next = due
    }
    for (const due of this.#leaseEnds()) offer(due)
    for (const due of this.#news(awake)) offer(due)
    for (const due of this.#timers(awake)) offer(due)
    const [first] = this.#queue
    if (first !== undefined) {
      const run = () => {
        this.#queue.shift()
        first.run()
      }
      offer({ at: Math.max(first.at, this.now), run })
    }
    return next
  }

  *#leaseEnds(): Generator<Due> {
    const { etcd, now } = this
    if (!this.hasQuorum) return
    for (const [id, { endsAt }] of etcd.leases)
      if (endsAt < Infinity) yield { at: Math.max(endsAt, now), run: () => etcd.endLease(id) }
  }

  *#timers(awake: number): Generator<Due> {
    for (const [key, at] of this.wakes) {
      const run = () => {
        this.wakes.delete(key)
        if (key === '') this.tellLeases({ type: 'woke' })
        else this.tell(key, { type: 'woke' })
      }
      yield { at: Math.max(at, awake), run }
    }
  }

  *#news(awake: number): Generator<Due> {
    const at = Math.max(awake, this.deafUntil)
    for (const [key, watch] of this.watches) {
      if (watch.etcd !== this.etcd) {
        yield { at, run: () => this.#endWatch(key, 'HISTORY_CHANGED') }
        continue
      }
      if (watch.next <= this.etcd.compacted) {
        yield { at, run: () => this.#endWatch(key, 'COMPACTED') }
        continue
      }
      const log = this.etcd.log.get(key) ?? []
      if ((log.at(-1)?.revision ?? 0) < watch.next) continue
      const found = log.find(({ revision }) => revision >= watch.next)
      if (found === undefined) continue
      const run = () => {
        watch.next = found.revision + 1
        this.tell(key, { type: 'seen', key: found.seen, revision: String(found.revision) })
      }
      yield { at: at + 1, run }
    }
  }

  #endWatch(key: string, code: 'COMPACTED' | 'HISTORY_CHANGED'): void {
    this.watches.delete(key)
    this.#later(1, () => this.tell(key, { type: 'watch-ended', error: failure(code) }))
  }

  #do(effect: Effect): void {
    this.trace('→', effect)
    switch (effect.do) {
      case 'put': {
        this.#put(effect)
        return
      }
      case 'delete': {
        this.#call(effect.key, () => {
          if (this.etcd.keys.get(effect.key)?.lease === effect.lease) this.#remove(effect.key)
          return { type: 'deleted', lease: effect.lease, revision: String(this.etcd.revision) }
        })
        return
      }
      case 'look': {
        this.#look(effect.key)
        return
      }
      case 'watch':
        this.watches.set(effect.key, {
          next: Number(effect.from) + 1,
          etcd: this.#knownIn.get(effect.key) ?? this.etcd,
        })
        return
      case 'unwatch':
        this.watches.delete(effect.key)
        return
      case 'wake':
        this.wakes.set(effect.key, effect.at)
        return
      case 'wake-leases':
        this.wakes.set('', effect.at)
        return
      case 'settle':
        this.claims.delete(effect.key)
        return
      case 'end':
        this.wakes.delete(effect.key)
        this.watches.delete(effect.key)
        return
      case 'abort':
      case 'tell-lost':
      case 'count-lost':
      case 'reject':
      case 'trouble':
        return
      default: {
        this.#lease(effect)
        return
      }
    }
  }

  #put(effect: Extract<Effect, { do: 'put' }>): void {
    const { key, value, lease, expect: modRevision } = effect
    const mayTakeOver = this.claims.has(key)
    const askedAt = this.now
    this.#call(key, () => {
      if (!this.etcd.leases.has(lease)) return { type: 'failed', error: failure('LEASE_LOST') }
      const found = this.etcd.keys.get(key) ?? null
      const succeeded = (found?.modRevision ?? '0') === modRevision
      if (succeeded && found !== null && isForeign(found.lease) && !mayTakeOver)
        throw new Error(`${key} was taken from its later owner`)
      if (succeeded) {
        this.counts.writes += 1
        this.etcd.write(key, value, lease)
      }
      const revision = String(this.etcd.revision)
      return { type: 'put-answered', succeeded, revision, found, tookMs: this.now - askedAt }
    })
  }

  #look(key: string): void {
    if (!this.hasQuorum || this.#goesWrong()) {
      this.#later(deadlineMs, () =>
        this.tell(key, { type: 'look-failed', error: failure('TIMEOUT') }),
      )
      return
    }
    const seen = this.etcd.keys.get(key) ?? null
    const revision = String(this.etcd.revision)
    this.#knownIn.set(key, this.etcd)
    this.#later(2, () => this.tell(key, { type: 'looked', key: seen, revision }))
  }

  /** A write: answered, refused, lost on the way there or back, or executed long after. */
  #call(key: string, execute: () => RegistrationEvent): void {
    const fail = () => this.tell(key, { type: 'failed', error: failure('TIMEOUT') })
    if (!this.hasQuorum) {
      this.#later(deadlineMs, fail)
      return
    }
    if (!this.#goesWrong()) {
      this.#later(1, () => {
        const answer = execute()
        this.#knownIn.set(key, this.etcd)
        this.#later(1, () => this.tell(key, answer))
      })
      return
    }
    this.#later(deadlineMs, fail)
    const where = this.random.pick(['there', 'back', 'late'] as const)
    if (where === 'there') return
    const after = where === 'back' ? 1 : this.random.integer(4 * deadlineMs)
    this.#queueUp(after, () => {
      if (!this.hasQuorum) return
      this.counts.executedLate += 1
      execute()
    })
  }

  #lease(effect: Extract<Effect, { do: 'grant' | 'renew' | 'revoke' | 'revoke-doubtful' }>): void {
    const { lease: id } = effect
    const works = this.hasQuorum && !this.#goesWrong()
    const error = failure('TIMEOUT')
    switch (effect.do) {
      case 'grant': {
        const { ttlSeconds } = effect
        const execute = () => {
          const ttlMs = ttlSeconds * 1000
          if (this.hasQuorum) this.etcd.leases.set(id, { ttlMs, endsAt: this.now + ttlMs })
          this.counts.rejoins += 1
        }
        if (works) {
          execute()
          this.#later(2, () => this.tellLeases({ type: 'granted', asked: ttlSeconds, ttlSeconds }))
          return
        }
        if (this.random.chance(0.5)) execute()
        this.#later(deadlineMs, () =>
          this.tellLeases({ type: 'grant-failed', asked: ttlSeconds, error }),
        )
        return
      }
      case 'renew': {
        const { deadlineMs: limitMs } = effect
        const askedAt = this.now
        const found = this.etcd.leases.get(id)
        if (!works) {
          this.#later(limitMs, () => this.tellLeases({ type: 'renew-failed', lease: id, error }))
        } else if (found === undefined) {
          const lost = failure('LEASE_LOST')
          this.#later(2, () => this.tellLeases({ type: 'renew-failed', lease: id, error: lost }))
        } else {
          found.endsAt = this.now + found.ttlMs
          this.#later(2, () => this.tellLeases({ type: 'renewed', lease: id, askedAt }))
        }
        return
      }
      case 'revoke': {
        const { key } = effect
        if (works || (this.hasQuorum && this.random.chance(0.5))) this.etcd.endLease(id)
        if (works) this.#later(2, () => this.tellLeases({ type: 'revoked', lease: id, key }))
        else
          this.#later(deadlineMs, () =>
            this.tellLeases({ type: 'revoke-failed', lease: id, key, error }),
          )
        return
      }
      case 'revoke-doubtful': {
        const { asked } = effect
        if (works) this.etcd.endLease(id)
        if (works) this.#later(2, () => this.tellLeases({ type: 'doubt-revoked', asked }))
        else this.#later(deadlineMs, () => this.tellLeases({ type: 'grant-failed', asked, error }))
      }
    }
  }

  #remove(key: string): void {
    this.counts.writes += 1
    this.etcd.remove(key)
  }

  #goesWrong(): boolean {
    return this.isRough && this.random.chance(0.5)
  }

  /** What the provider hears, once its process runs. */
  #later(ms: number, run: () => void): void {
    this.#queueUp(ms, () => {
      if (this.now < this.pausedUntil) this.#later(this.pausedUntil - this.now, run)
      else run()
    })
  }

  #queueUp(ms: number, run: () => void): void {
    this.#order += 1
    this.#queue.push({ at: this.now + ms, order: this.#order, run })
    this.#queue.sort((a, b) => a.at - b.at || a.order - b.order)
  }
}

function failure(code: 'TIMEOUT' | 'LEASE_LOST' | 'COMPACTED' | 'HISTORY_CHANGED'): LabError {
  return new LabError(code, code)
}

function isForeign(lease: string): boolean {
  return lease.startsWith('foreign')
}

const faults: Readonly<Record<string, (simulation: Simulation, key: string) => void>> = {
  'the key is deleted': ({ etcd }, key) => etcd.remove(key),
  'all keys are wiped': ({ etcd }) => {
    for (const key of keys) etcd.remove(key)
  },
  'the key is overwritten without a lease': (simulation, key) => {
    simulation.etcd.write(key, 'edited', '0')
  },
  'the value is edited under its lease': ({ etcd }, key) => {
    const found = etcd.keys.get(key)
    if (found !== undefined) etcd.write(key, 'edited', found.lease)
  },
  'another process takes the key': (simulation, key) => simulation.takeOver(key),
  'that process leaves': (simulation) => simulation.endForeign(),
  'a lease is revoked': ({ etcd, random }) => {
    const own = [...etcd.leases.keys()].filter((id) => !isForeign(id))
    if (own.length > 0) etcd.endLease(random.pick(own))
  },
  'the quorum is lost': (simulation) => {
    simulation.hasQuorum = false
    simulation.pass(simulation.random.integer(180_000))
    simulation.hasQuorum = true
    simulation.etcd.renewAll(simulation.now)
  },
  'calls go wrong': (simulation) => {
    simulation.isRough = true
    simulation.pass(simulation.random.integer(120_000))
    simulation.isRough = false
  },
  'history is compacted': ({ etcd }) => {
    etcd.compacted = etcd.revision
    etcd.log.clear()
  },
  'the watch is cut off': (simulation) => {
    simulation.deafUntil = simulation.now + simulation.random.integer(40_000)
  },
  'the process is paused': (simulation) => {
    simulation.pausedUntil = simulation.now + simulation.random.integer(90_000)
  },
  'a copy of etcd is made': (simulation) => {
    simulation.copy = simulation.etcd.copy()
  },
  'etcd is restored from the copy': (simulation) => simulation.restore(),
  'it registers': (simulation, key) => {
    const value = `value ${simulation.random.integer(1000)}`
    simulation.wish(key, { value, ttlSeconds: simulation.random.pick(ttls) })
  },
  'it changes its value in a hurry': (simulation, key) => {
    for (const value of ['one', 'two', 'three']) {
      if (simulation.wishes.has(key)) simulation.wish(key, { value, ttlSeconds: 30 })
      simulation.pass(simulation.random.integer(3))
    }
  },
  'it releases': (simulation, key) => {
    if (simulation.wishes.has(key)) simulation.wish(key, null)
  },
}

/** What is in etcd must be what was wished, and nothing else. */
function checkWishes(simulation: Simulation): void {
  const { etcd, core, now, wishes } = simulation
  const own = [...etcd.leases.keys()].filter((id) => !isForeign(id))
  for (const key of keys) {
    const found = etcd.keys.get(key)
    // It has a later owner, and stays theirs.
    if (isForeign(found?.lease ?? '')) continue
    const wish = wishes.get(key)
    if (wish === undefined) {
      expect(found === undefined || found.lease === '0', `${key} was released`).toBe(true)
      continue
    }
    expect(found?.value, `${key} in etcd`).toBe(wish.value)
    expect(own, `lease of ${key}`).toContain(found?.lease)
    expect(etcd.leases.get(found?.lease ?? '')?.ttlMs).toBe(wish.ttlSeconds * 1000)
    expect(core.isRegistered(key, now), `${key} says so`).toBe(true)
  }
}

/** With everybody gone nothing is left, but what was put without a lease by others. */
function checkNothingIsLeft(simulation: Simulation): void {
  const { etcd } = simulation
  expect([...etcd.keys.values()].filter(({ lease }) => lease !== '0')).toEqual([])
  expect([...etcd.leases.keys()]).toEqual([])
  expect([...simulation.wakes.keys()], 'timers').toEqual([])
  expect([...simulation.watches.keys()], 'watches').toEqual([])
}

function runRound(simulation: Simulation): void {
  const { random } = simulation
  for (let count = 1 + random.integer(5); count > 0; count -= 1) {
    const name = random.pick(Object.keys(faults))
    simulation.trace('fault:', name)
    faults[name]?.(simulation, random.pick(keys))
    simulation.pass(random.integer(random.pick([5, 1000, 40_000])))
  }
  const { now, pausedUntil, deafUntil } = simulation
  simulation.pass(Math.max(now, pausedUntil, deafUntil) - now + calmMs)
  checkWishes(simulation)
  const { revision } = simulation.etcd
  const { writes } = simulation.counts
  simulation.pass(random.pick([hourMs, calmMs]))
  expect(simulation.etcd.revision, 'nothing is written while nothing happens').toBe(revision)
  expect(simulation.counts.writes).toBe(writes)
  checkWishes(simulation)
}

describe('a provider, simulated', () => {
  const total = new Map<string, number>()

  test.each(seeds)('is in etcd as it wished, whatever happens: seed %i', (seed) => {
    const simulation = new Simulation(seed)
    for (let round = 0; round < roundsPerSeed; round += 1) runRound(simulation)
    simulation.endForeign()
    for (const key of keys) simulation.wish(key, null)
    simulation.pass(calmMs)
    checkNothingIsLeft(simulation)
    for (const [what, count] of Object.entries(simulation.counts))
      total.set(what, (total.get(what) ?? 0) + count)
    total.set('hours', (total.get('hours') ?? 0) + simulation.now / hourMs)
  })

  test.skipIf(seeds.length === 1)('has really been through it all', () => {
    expect(total.get('hours')).toBeGreaterThan(24 * 30)
    expect(total.get('writes')).toBeGreaterThan(roundsPerSeed * seeds.length)
    expect(total.get('rejoins')).toBeGreaterThan(10 * seeds.length)
    expect(total.get('executedLate')).toBeGreaterThan(seeds.length)
  })
})
