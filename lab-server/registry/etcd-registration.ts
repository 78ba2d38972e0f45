import { LabError, toLabError } from '../../protocol/index.ts'
import type { TxnAnswer } from '../etcd/etcd-calls.ts'
import type { EtcdClient } from '../etcd/etcd-client.ts'
import type { RawKey } from '../etcd/etcd-inspector.ts'
import { pause } from '../etcd/pause.ts'
import { backoffMs } from './backoff.ts'
import { encodeInstance } from './codec.ts'
import { asDraining } from './draining.ts'
import type { LeasePool, LeaseShare, SharedLease } from './lease-pool.ts'
import { isOvertaken } from './overtaken.ts'
import { planStep, type SeenKey, type Step } from './registration-plan.ts'
import type { Registration, ServiceInstance } from './registry.ts'
import { instanceKey } from './service-key.ts'

export interface RegistrationOptions {
  readonly client: EtcdClient
  readonly leases: LeasePool
  /** Told of what goes wrong in the background; the registration carries on. */
  readonly onTrouble: (error: LabError) => void
}

interface Wanted {
  readonly value: string
  readonly ttlSeconds: number
}

/** A key that is gone again sooner than this after it was put back has an adversary. */
const calmMs = 10_000
/** A slower put may have been sent to a second member, which may execute it much later. */
const promptMs = 100
/** Own leases to remember: the present one, and those whose end may not have been seen yet. */
const rememberedLeases = 4

/**
 * The one owner of one key. A loop compares what is wanted with what was seen and takes the next
 * step (registration-plan.ts) until nothing is left to do; news from etcd (the key changed, the
 * lease is gone) and from callers (another value, a release) start it again. Nothing else of this
 * process writes the key, so a release cannot be overtaken by a renewal.
 */
export class EtcdRegistration implements Registration {
  readonly key: string
  readonly #options: RegistrationOptions
  readonly #stop = new AbortController()
  #instance: ServiceInstance
  #wanted: Wanted | null
  #claim = true
  #share: LeaseShare | null = null
  #former: LeaseShare[] = []
  #ownLeases: readonly string[] = []
  #lease = { id: '0', ttlSeconds: 0 }
  #seen: SeenKey = null
  #seenAt = 0n
  #resting = false
  #mayLurk = false
  #isGone = false
  #attempt = 0
  #putAt = 0
  #following: Promise<void> | null = null
  #news: PromiseWithResolvers<void> = Promise.withResolvers()
  /** Aborted when the caller changes the wish: a put or a pause under way is no longer wanted. */
  #hurry = new AbortController()
  /** Callers that wait for the present wish to come true. */
  #waiting: PromiseWithResolvers<void>[] = []

  constructor(instance: ServiceInstance, ttlSeconds: number, options: RegistrationOptions) {
    this.key = instanceKey(instance)
    this.#options = options
    this.#instance = instance
    this.#wanted = { value: encodeInstance(instance), ttlSeconds }
  }

  get instance(): ServiceInstance {
    return this.#instance
  }

  lease(): { readonly id: string; readonly ttlSeconds: number } {
    return this.#lease
  }

  state(): 'registered' | 'recovering' | 'released' {
    if (this.#wanted === null) return 'released'
    return this.#resting && this.#share?.lease.isFresh === true ? 'registered' : 'recovering'
  }

  /** Does all the work; resolves when the registration needs no more of it. */
  async run(): Promise<void> {
    await this.#work()
    await this.#following
  }

  /** Another value or TTL for the same key. */
  change(instance: ServiceInstance, ttlSeconds: number): void {
    this.#instance = instance
    this.#claim = true
    this.#wish({ value: encodeInstance(instance), ttlSeconds })
  }

  async drain(): Promise<void> {
    if (this.#wanted === null) return
    this.change(asDraining(this.#instance), this.#wanted.ttlSeconds)
    await this.settled()
  }

  release(): Promise<void> {
    if (this.#wanted !== null) this.#wish(null)
    return this.settled()
  }

  /** Once it is released and gone: nothing of it will touch the key any more. */
  async handOver(): Promise<void> {
    await this.settled()
    this.#stop.abort()
    this.#notify()
  }

  /**
   * Resolves when the present wish has come true. Rejects when a call on the way there failed; the
   * work goes on all the same.
   */
  settled(): Promise<void> {
    if (this.#isGone) return Promise.resolve()
    const waiting: PromiseWithResolvers<void> = Promise.withResolvers()
    this.#waiting.push(waiting)
    this.#notify()
    return waiting.promise
  }

  /** Ends the work without touching etcd; `finish` must follow. */
  stop(): void {
    if (this.#wanted !== null)
      this.#wish(
        null,
        new LabError('CLOSED', `the registry was closed before ${this.key} was in it`),
      )
    this.#stop.abort()
    this.#notify()
  }

  /** After `stop`: tells whoever waits for the release how it ended (null = well). */
  finish(error: LabError | null): void {
    this.#isGone = true
    if (error) this.#reject(error)
    else this.#fulfil()
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#news = Promise.withResolvers()
      if (this.#hurry.signal.aborted) this.#hurry = new AbortController()
      const step = this.#plan()
      this.#resting = step === 'rest'
      try {
        if (step === 'rest' || step === 'yield') await this.#rest()
        else await this.#take(step)
      } catch (error) {
        await this.#recover(toLabError(error))
      }
    }
  }

  #plan(): Step {
    return planStep({
      wanted: this.#wanted,
      lease: this.#share?.lease ?? null,
      holdsFormer: this.#former.length > 0,
      ownLeases: this.#ownLeases,
      key: this.#seen,
      claim: this.#claim,
    })
  }

  async #take(step: 'join' | 'put' | 'leave-former' | 'remove'): Promise<void> {
    switch (step) {
      case 'join':
        return this.#join()
      case 'put':
        return this.#put()
      case 'leave-former':
        return this.#leaveFormer()
      case 'remove':
        return this.#remove()
    }
  }

  async #rest(): Promise<void> {
    this.#claim = false
    this.#fulfil()
    await this.#news.promise
    const step = this.#plan()
    if (step === 'rest' || step === 'yield') return
    this.#attempt = performance.now() - this.#putAt < calmMs ? this.#attempt + 1 : 1
    // What the caller asked for is done without delay.
    await pause(backoffMs(this.#attempt), this.#hurry.signal)
  }

  async #join(): Promise<void> {
    const ttlSeconds = this.#wanted?.ttlSeconds ?? 0
    const share = await this.#options.leases.join(ttlSeconds, () => this.#loseShare(share))
    if (this.#share) this.#former.push(this.#share)
    this.#share = share
    this.#lease = { id: share.lease.id, ttlSeconds: share.lease.ttlSeconds }
    this.#ownLeases = [...this.#ownLeases, share.lease.id].slice(-rememberedLeases)
  }

  async #put(): Promise<void> {
    const value = this.#wanted?.value ?? ''
    const lease = this.#lease.id
    const start = performance.now()
    const before = this.#seenAt
    // Also when it fails: it may have been executed, or may still be.
    let prompt = false
    try {
      const answer = await this.#options.client.txn(
        {
          compare: [
            { key: this.key, target: 'mod', is: '=', value: this.#seen?.modRevision ?? '0' },
          ],
          success: [{ put: { key: this.key, value, lease } }],
          failure: [{ range: { key: this.key } }],
        },
        { signal: AbortSignal.any([this.#stop.signal, this.#hurry.signal]) },
      )
      prompt = performance.now() - start < promptMs
      const { revision } = answer.header
      // etcd answers from before what was known when it was asked: it was restored from a copy.
      if (BigInt(revision) < before) this.#forget()
      // Also when it did not hold: what stands there may be this very put, executed by an attempt
      // whose answer was lost.
      this.#following ??= this.#followKey(revision)
      if (!answer.succeeded) {
        this.#see(firstKey(answer), revision)
        return
      }
      this.#claim = false
      this.#putAt = performance.now()
      this.#see({ modRevision: revision, lease, value }, revision)
    } finally {
      this.#mayLurk ||= !prompt
    }
  }

  async #leaveFormer(): Promise<void> {
    for (const share of this.#former) await this.#options.leases.leave(share)
    this.#former = []
  }

  /** The last user of a lease revokes it, and the key goes with it; else the key goes alone. */
  async #remove(): Promise<void> {
    const shared: SharedLease[] = []
    for (const share of [this.#share, ...this.#former]) {
      if (share && !(await this.#options.leases.leave(share))) shared.push(share.lease)
    }
    for (const lease of shared) await this.#deleteFrom(lease)
    this.#isGone = true
    this.#fulfil()
    if (this.#mayLurk) await Promise.all(shared.map((lease) => this.#linger(lease)))
    this.#stop.abort()
  }

  /**
   * Deletes the key only while it is on this lease: whoever has taken it over keeps it. Resolves with
   * the revision at which it was not on it any more.
   */
  async #deleteFrom(lease: SharedLease): Promise<string> {
    const { header } = await this.#options.client.txn({
      compare: [{ key: this.key, target: 'lease', is: '=', value: lease.id }],
      success: [{ delete: { key: this.key } }],
    })
    return header.revision
  }

  /**
   * A put that was sent to a frozen member is executed when that member wakes, which may be long
   * after the release. As long as its lease lives, what it brings back is removed again.
   */
  async #linger(lease: SharedLease): Promise<void> {
    const end = AbortSignal.any([this.#stop.signal, lease.ended])
    end.addEventListener('abort', () => this.#notify(), { once: true })
    while (!end.aborted) {
      this.#news = Promise.withResolvers()
      // A put that came back meanwhile is newer than the answer, and stays seen.
      if (this.#seen?.lease === lease.id) this.#see(null, await this.#deleteFrom(lease))
      else await this.#news.promise
    }
  }

  /** Nothing that fails ends a registration. */
  async #recover(trouble: LabError): Promise<void> {
    if (this.#stop.signal.aborted || this.#hurry.signal.aborted) return
    if (trouble.code === 'CLOSED') {
      this.stop()
      this.finish(trouble)
      return
    }
    if (trouble.code === 'LEASE_LOST' && this.#share) {
      this.#options.leases.reportLost(this.#share.lease)
      return
    }
    this.#reject(trouble)
    this.#options.onTrouble(trouble)
    this.#attempt += 1
    await pause(backoffMs(this.#attempt), this.#hurry.signal)
  }

  /** Keeps `#seen` true, whoever changes the key. */
  async #followKey(from: string): Promise<void> {
    const { signal } = this.#stop
    let seen = from
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        const fromRevision = (BigInt(seen) + 1n).toString()
        const batches = this.#options.client.watch({ key: this.key, fromRevision, signal })
        for await (const { events, revision } of batches) {
          for (const { type, kv } of events)
            this.#see(type === 'put' ? toSeen(kv) : null, kv.modRevision)
          seen = revision
          attempt = 1
        }
        // Without an abort only the closing of the client ends a watch.
        return
      } catch (error) {
        seen = (await this.#lookAgain(toLabError(error))) ?? seen
        await pause(backoffMs(attempt), signal)
      }
    }
  }

  /** After the watch was overtaken: the revision to go on from; null when it is not known. */
  async #lookAgain(trouble: LabError): Promise<string | null> {
    const { client, onTrouble } = this.#options
    if (this.#stop.signal.aborted) return null
    if (!isOvertaken(trouble)) {
      onTrouble(trouble)
      return null
    }
    if (trouble.code === 'HISTORY_CHANGED') this.#forget()
    const { signal } = this.#stop
    try {
      const { header, kvs } = await client.range({ key: this.key }, { signal })
      this.#see(toSeen(kvs[0]), header.revision)
      return header.revision
    } catch (error) {
      const failure = toLabError(error)
      if (failure.code !== 'CLOSED' && failure.code !== 'INTERRUPTED') onTrouble(failure)
      return null
    }
  }

  /** Two sources tell of the key, the watch and our own transactions: the newer one is right. */
  #see(key: SeenKey, revision: string): void {
    const at = BigInt(revision)
    if (at < this.#seenAt) return
    this.#seen = key
    this.#seenAt = at
    this.#notify()
  }

  /** The history that the key was seen in is not etcd's any more. */
  #forget(): void {
    this.#seen = null
    this.#seenAt = 0n
  }

  #loseShare(share: LeaseShare): void {
    if (this.#share === share) this.#share = null
    this.#former = this.#former.filter((other) => other !== share)
    this.#notify()
  }

  #wish(wanted: Wanted | null, toFormer = wishChanged(this.key)): void {
    this.#wanted = wanted
    this.#reject(toFormer)
    this.#hurry.abort()
    this.#notify()
  }

  #notify(): void {
    this.#news.resolve()
  }

  #fulfil(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  #reject(error: LabError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function wishChanged(key: string): LabError {
  return new LabError('INTERRUPTED', `${key} was changed or released meanwhile`)
}

function toSeen(kv: RawKey | undefined): SeenKey {
  if (!kv) return null
  const { modRevision, lease, value } = kv
  return { modRevision, lease, value: Buffer.from(value).toString('utf8') }
}

function firstKey(answer: TxnAnswer): SeenKey {
  const [result] = answer.results
  return result?.type === 'range' ? toSeen(result.kvs[0]) : null
}
