import { toLabError, type LabError } from '../../../protocol/index.ts'
import type { TxnAnswer, WatchBatch } from '../../etcd/etcd-calls.ts'
import type { EtcdClient } from '../../etcd/etcd-client.ts'
import type { RawKey } from '../../etcd/etcd-inspector.ts'
import type { KeyWatcher } from '../../etcd/key-watcher.ts'
import type { ServiceInstance } from '../registry.ts'
import { KeptRegistration } from './kept-registration.ts'
import type { LeaseEvent } from './lease-state.ts'
import { RegistrarCore, type Effect } from './registrar-core.ts'
import type { SeenKey } from './registration-plan.ts'
import type { Moment, RegistrationEvent } from './registration-state.ts'

export interface RegistrarOptions {
  readonly client: EtcdClient
  /** Told of what goes wrong in the background; the registrations carry on. */
  readonly onTrouble: (error: LabError) => void
}

type KeyEffect<Do extends string> = Extract<Effect, { do: Do; key: string }>

/** Does for real what `RegistrarCore` says is to be done, and tells it what came of it. */
export class Registrar {
  readonly #client: EtcdClient
  readonly #onTrouble: (error: LabError) => void
  readonly #core = new RegistrarCore()
  /** By key; a released one stays while it still has to look after its key. */
  readonly #kept = new Map<string, KeptRegistration>()
  readonly #watcher: KeyWatcher
  readonly #unwatch = new Map<string, () => void>()
  readonly #puts = new Map<string, AbortController>()
  /** By key; "" is that of the leases. */
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #closing = new AbortController()

  constructor({ client, onTrouble }: RegistrarOptions) {
    this.#client = client
    this.#onTrouble = onTrouble
    this.#watcher = client.watchKeys()
  }

  get(key: string): KeptRegistration | undefined {
    return this.#kept.get(key)
  }

  all(): readonly KeptRegistration[] {
    return [...this.#kept.values()]
  }

  /** The key has no registration now. */
  add(key: string, instance: ServiceInstance, ttlSeconds: number): KeptRegistration {
    const kept = new KeptRegistration(key, instance, {
      tell: (event) => this.#tell(key, event),
      lease: () => ({
        id: this.#core.registration(key)?.ownLeases.at(-1) ?? '0',
        ttlSeconds: this.#core.grantedTtl(key),
      }),
      isRegistered: () => this.#core.isRegistered(key, performance.now()),
      telemetry: this.#client.telemetry,
    })
    this.#kept.set(key, kept)
    kept.change(instance, ttlSeconds)
    return kept
  }

  /**
   * Ends all work and revokes every lease that is or may be in etcd: that takes the keys along, and
   * refuses whatever put may still be on its way. Rejects with the first error.
   */
  async close(deadlineMs: number): Promise<void> {
    const kept = this.all()
    for (const each of kept) each.giveUp()
    this.#closing.abort()
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await this.#watcher.close()
    // A grant that was under way is doubtful now.
    await Promise.all(this.#underWay)
    try {
      await Promise.all(this.#core.leaseIds().map((id) => this.#revoke(id, { deadlineMs })))
      for (const each of kept) each.end(null)
    } catch (error) {
      for (const each of kept) each.end(toLabError(error))
      throw error
    }
  }

  #tell(key: string, event: RegistrationEvent): void {
    if (this.#closing.signal.aborted) return
    for (const effect of this.#core.tell(key, event, now())) this.#do(effect)
  }

  #tellLeases(event: LeaseEvent): void {
    if (this.#closing.signal.aborted) return
    for (const effect of this.#core.tellLeases(event, now())) this.#do(effect)
  }

  #do(effect: Effect): void {
    switch (effect.do) {
      case 'put':
        this.#start(this.#within(effect.key, () => this.#put(effect)))
        break
      case 'delete':
        this.#start(this.#delete(effect))
        break
      case 'abort':
        this.#puts.get(effect.key)?.abort()
        break
      case 'watch':
        this.#watch(effect)
        break
      case 'unwatch':
        this.#unwatch.get(effect.key)?.()
        this.#unwatch.delete(effect.key)
        break
      case 'look':
        this.#start(this.#within(effect.key, () => this.#look(effect.key)))
        break
      case 'wake':
        this.#wake(effect.key, effect.at, () => this.#tell(effect.key, { type: 'woke' }))
        break
      case 'settle':
        this.#settle(effect)
        break
      case 'tell-lost':
        this.#kept.get(effect.key)?.telemetry.lost(effect.reason)
        break
      case 'reject':
        this.#kept.get(effect.key)?.reject(effect.error)
        break
      case 'trouble':
        // The listener may release, or close: that has to come after what is to be done now.
        queueMicrotask(() => this.#onTrouble(effect.error))
        break
      case 'end':
        this.#end(effect.key)
        break
      case 'grant':
        this.#start(this.#grant(effect))
        break
      case 'revoke':
        this.#start(this.#revokeFor(effect))
        break
      case 'revoke-doubtful':
        this.#start(this.#revokeDoubtful(effect))
        break
      case 'renew':
        this.#start(this.#renew(effect))
        break
      case 'count-lost':
        this.#client.telemetry.leaseLost()
        break
      case 'wake-leases':
        this.#wake('', effect.at, () => this.#tellLeases({ type: 'woke' }))
        break
    }
  }

  /** As part of the span of a registration that is being put back. */
  #within(key: string, work: () => Promise<void>): Promise<void> {
    return this.#kept.get(key)?.telemetry.within(work) ?? work()
  }

  #settle({ key, registered }: KeyEffect<'settle'>): void {
    const kept = this.#kept.get(key)
    if (registered) kept?.telemetry.restored()
    kept?.fulfil()
  }

  async #put({ key, value, lease, expect }: KeyEffect<'put'>): Promise<void> {
    const start = performance.now()
    const hurry = new AbortController()
    this.#puts.set(key, hurry)
    try {
      const answer = await this.#client.txn(
        {
          compare: [{ key, target: 'mod', is: '=', value: expect }],
          success: [{ put: { key, value, lease } }],
          failure: [{ range: { key } }],
        },
        { signal: AbortSignal.any([hurry.signal, this.#closing.signal]) },
      )
      const { succeeded, header } = answer
      const facts = { succeeded, revision: header.revision, found: foundKey(answer) }
      this.#tell(key, { type: 'put-answered', ...facts, tookMs: performance.now() - start })
    } catch (error) {
      if (hurry.signal.aborted) this.#tell(key, { type: 'aborted' })
      else this.#fail(key, error)
    } finally {
      if (this.#puts.get(key) === hurry) this.#puts.delete(key)
    }
  }

  async #delete({ key, lease }: KeyEffect<'delete'>): Promise<void> {
    const { signal } = this.#closing
    try {
      const { header } = await this.#client.txn(
        {
          compare: [{ key, target: 'lease', is: '=', value: lease }],
          success: [{ delete: { key } }],
        },
        { signal },
      )
      this.#tell(key, { type: 'deleted', lease, revision: header.revision })
    } catch (error) {
      this.#fail(key, error)
    }
  }

  #watch({ key, from }: KeyEffect<'watch'>): void {
    const end = this.#watcher.watch(key, (BigInt(from) + 1n).toString(), {
      onBatch: (batch) => this.#onBatch(key, batch),
      onEnd: (error) => {
        this.#unwatch.delete(key)
        if (error !== null) this.#tell(key, { type: 'watch-ended', error })
      },
    })
    this.#unwatch.set(key, end)
  }

  #onBatch(key: string, { events }: WatchBatch): void {
    for (const { type, kv } of events) {
      const seen = type === 'put' ? toSeen(kv) : null
      this.#tell(key, { type: 'seen', key: seen, revision: kv.modRevision })
    }
  }

  async #look(key: string): Promise<void> {
    const { signal } = this.#closing
    try {
      const { header, kvs } = await this.#client.range({ key }, { signal })
      this.#tell(key, { type: 'looked', key: toSeen(kvs[0]), revision: header.revision })
    } catch (error) {
      this.#tell(key, { type: 'look-failed', error: toLabError(error) })
    }
  }

  async #grant({ lease: id, ttlSeconds }: Extract<Effect, { do: 'grant' }>): Promise<void> {
    const { signal } = this.#closing
    try {
      const granted = await this.#client.leaseGrant({ id, ttlSeconds }, { signal })
      this.#tellLeases({ type: 'granted', asked: ttlSeconds, ttlSeconds: granted.ttlSeconds })
    } catch (error) {
      this.#tellLeases({ type: 'grant-failed', asked: ttlSeconds, error: toLabError(error) })
    }
  }

  async #revokeFor({ lease, key }: Extract<Effect, { do: 'revoke' }>): Promise<void> {
    const { signal } = this.#closing
    try {
      await this.#revoke(lease, { signal })
      this.#tellLeases({ type: 'revoked', lease, key })
    } catch (error) {
      this.#tellLeases({ type: 'revoke-failed', lease, key, error: toLabError(error) })
    }
  }

  async #revokeDoubtful({
    lease,
    asked,
  }: Extract<Effect, { do: 'revoke-doubtful' }>): Promise<void> {
    const { signal } = this.#closing
    try {
      await this.#revoke(lease, { signal })
      this.#tellLeases({ type: 'doubt-revoked', asked })
    } catch (error) {
      this.#tellLeases({ type: 'grant-failed', asked, error: toLabError(error) })
    }
  }

  async #renew({ lease, deadlineMs }: Extract<Effect, { do: 'renew' }>): Promise<void> {
    const { signal } = this.#closing
    const askedAt = performance.now()
    try {
      await this.#client.leaseRenew(lease, { deadlineMs, signal })
      this.#tellLeases({ type: 'renewed', lease, askedAt })
    } catch (error) {
      this.#tellLeases({ type: 'renew-failed', lease, error: toLabError(error) })
    }
  }

  async #revoke(id: string, options: { signal?: AbortSignal; deadlineMs?: number }): Promise<void> {
    try {
      await this.#client.leaseRevoke(id, options)
    } catch (error) {
      // It ended before: that is what was wanted.
      if (toLabError(error).code !== 'LEASE_LOST') throw error
    }
  }

  #fail(key: string, error: unknown): void {
    this.#tell(key, { type: 'failed', error: toLabError(error) })
  }

  #wake(name: string, at: number, wake: () => void): void {
    clearTimeout(this.#timers.get(name))
    const onTime = () => {
      this.#timers.delete(name)
      wake()
    }
    this.#timers.set(name, setTimeout(onTime, Math.max(at - performance.now(), 0)))
  }

  #end(key: string): void {
    clearTimeout(this.#timers.get(key))
    this.#timers.delete(key)
    this.#kept.get(key)?.end(null)
    this.#kept.delete(key)
  }

  #start(work: Promise<void>): void {
    const done = work.finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }
}

function now(): Moment {
  return { at: performance.now(), random: Math.random }
}

function toSeen(kv: RawKey | undefined): SeenKey {
  if (!kv) return null
  const { modRevision, lease, value } = kv
  return { modRevision, lease, value: Buffer.from(value).toString('utf8') }
}

function foundKey(answer: TxnAnswer): SeenKey {
  const [result] = answer.results
  return result?.type === 'range' ? toSeen(result.kvs[0]) : null
}
