import { LabError, toLabError } from '../../../protocol/index.ts'
import type { EtcdClient } from '../../etcd/etcd-client.ts'
import { pause } from '../../etcd/pause.ts'
import type { ViewFacts } from '../../telemetry/gauges.ts'
import { backoffMs } from '../backoff.ts'
import { isOvertaken, relistReason } from '../overtaken.ts'
import type { Trust } from '../registry.ts'
import type { SharedWatches } from '../shared-watches.ts'
import { serviceOfPrefix } from '../service-key.ts'
import { listedView } from '../view.ts'
import { countFollowed } from './count-followed.ts'
import {
  reduceFollow,
  startFollowing,
  trustOf,
  type FollowEvent,
  type FollowLimits,
  type FollowState,
} from './follow-state.ts'
import type { ViewStore } from './view-store.ts'

export interface FollowerOptions {
  readonly client: EtcdClient
  readonly watches: SharedWatches
  readonly prefix: string
  readonly limits: FollowLimits
  /** Where views are kept between processes; null = nowhere. */
  readonly store: ViewStore | null
  /** Told of what goes wrong in the background; the follower carries on. */
  readonly onTrouble: (error: LabError) => void
}

/** With a view on disk nobody waits longer than this for etcd at the start, milliseconds. */
const firstListMs = 2000
/** Changes that come within this time are written to disk together, milliseconds. */
const saveAfterMs = 1000
/** Added to the moment at which a view goes stale, so that it is so when the timer fires. */
const marginMs = 5

/** The effects around one followed service: lists, watches, tells, keeps on disk. */
export class ServiceFollower {
  readonly #options: FollowerOptions
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #running: Promise<void>
  #state: FollowState
  /** There was a view on disk to begin with. */
  #isKept = false
  /** Since etcd last told something: a list alone does not show that the watch works. */
  #failures = 0
  #historyChanged = false
  #timer: NodeJS.Timeout | null = null
  #saveTimer: NodeJS.Timeout | null = null
  #saving: Promise<void> = Promise.resolve()
  #savedEntries: FollowState['served']['entries'] | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#state = startFollowing(options.prefix)
    // Callers that came too late to wait for it find the rejection handled.
    this.#ready.promise.catch(() => undefined)
    this.#running = this.#run()
  }

  /** Resolves when there is something to serve; rejects when there is nothing. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  get state(): FollowState {
    return this.#state
  }

  /** How far the state can be relied on now. */
  get trust(): Trust {
    return trustOf(this.#state, performance.now(), this.#options.limits)
  }

  facts(): ViewFacts {
    const { confirmedAt, served } = this.#state
    return {
      service: serviceOfPrefix(this.#options.prefix),
      trust: this.trust,
      ageMs: confirmedAt === null ? null : performance.now() - confirmedAt,
      revision: served.revision,
    }
  }

  get closed(): AbortSignal {
    return this.#stop.signal
  }

  /** Called after every change of the state or of how far it can be relied on. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when the watch has ended and what was to be kept is on disk. */
  async close(): Promise<void> {
    this.#stop.abort(new LabError('CLOSED', `${this.#options.prefix} is not followed any more`))
    this.#clearTimer()
    this.#tell()
    await this.#running
    await this.#saving
    this.#saveNow()
    await this.#saving
  }

  async #run(): Promise<void> {
    this.#isKept = await this.#load()
    do await this.#listAndWatch()
    while (await pause(backoffMs(this.#failures), this.#stop.signal))
    this.#ready.reject(new LabError('CLOSED', `${this.#options.prefix} is not followed any more`))
  }

  /** Until something goes wrong, or the end. */
  async #listAndWatch(): Promise<void> {
    try {
      await this.#list()
      this.#historyChanged = false
      await this.#watch()
    } catch (error) {
      const trouble = toLabError(error)
      if (trouble.code === 'CLOSED') this.#stop.abort(trouble)
      if (this.#stop.signal.aborted) return
      this.#failures += 1
      if (trouble.code === 'HISTORY_CHANGED') this.#historyChanged = true
      if (isOvertaken(trouble)) this.#countRelist(trouble)
      else this.#onTrouble(trouble)
    }
  }

  /** True when there was a view on disk. */
  async #load(): Promise<boolean> {
    const { store, prefix, onTrouble } = this.#options
    try {
      const stored = (await store?.load(prefix)) ?? null
      if (stored === null) return false
      this.#savedEntries = stored.view.entries
      this.#apply({ type: 'snapshot', ...stored })
      return true
    } catch (error) {
      onTrouble(toLabError(error))
      return false
    }
  }

  async #list(): Promise<void> {
    const { client, prefix } = this.#options
    const hurry = this.#isKept && this.#state.confirmedAt === null
    const { kvs, header } = await client.range(
      { prefix },
      { signal: this.#stop.signal, ...(hurry && { deadlineMs: firstListMs }) },
    )
    const view = listedView(prefix, kvs, header.revision)
    const facts = { clusterId: header.clusterId, historyChanged: this.#historyChanged }
    this.#apply({ type: 'listed', view, ...facts, at: performance.now() })
    this.#ready.resolve()
  }

  /** Ends by throwing, whatever the reason. */
  async #watch(): Promise<never> {
    const { watches, prefix } = this.#options
    const { signal } = this.#stop
    const fromRevision = ((this.#state.truth?.revision ?? 0n) + 1n).toString()
    for await (const batch of watches.watch({ prefix, fromRevision, signal })) {
      this.#failures = 0
      this.#apply({ type: 'batch', batch, at: performance.now() })
    }
    throw new LabError('CLOSED', `the watch of ${prefix} was closed`)
  }

  #countRelist(overtaken: LabError): void {
    const { client, prefix } = this.#options
    client.telemetry.relisted(serviceOfPrefix(prefix), relistReason(overtaken))
  }

  #onTrouble(trouble: LabError): void {
    this.#options.onTrouble(trouble)
    if (this.#isKept) this.#ready.resolve()
    else this.#ready.reject(trouble)
  }

  #apply(event: FollowEvent): void {
    const { limits } = this.#options
    const before = this.#state
    this.#state = reduceFollow(before, event, limits)
    this.#armTimer()
    if (this.#state.served.entries !== before.served.entries) this.#saveSoon()
    const { telemetry } = this.#options.client
    if (telemetry.counts) countFollowed(telemetry, before, this.#state)
    this.#tell()
  }

  /** One timer for both ends that come with time alone: of the guard, and of being up to date. */
  #armTimer(): void {
    this.#clearTimer()
    const { guard, confirmedAt } = this.#state
    const { limits } = this.#options
    const now = performance.now()
    const staleAt = confirmedAt === null ? null : confirmedAt + limits.staleAfterMs
    const ends = [guard?.until ?? null, staleAt !== null && staleAt >= now ? staleAt : null]
    const next = Math.min(...ends.map((end) => end ?? Infinity))
    if (next === Infinity || this.#stop.signal.aborted) return
    const wait = Math.max(next - now, 0) + marginMs
    this.#timer = setTimeout(() => this.#apply({ type: 'tick', at: performance.now() }), wait)
    this.#timer.unref()
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #saveSoon(): void {
    if (this.#options.store === null || this.#saveTimer !== null) return
    if (this.#state.served.entries === this.#savedEntries) return
    this.#saveTimer = setTimeout(() => this.#saveNow(), saveAfterMs)
    this.#saveTimer.unref()
  }

  /** What is served is what is kept: under guard, a restart must not forget what is held. */
  #saveNow(): void {
    if (this.#saveTimer !== null) clearTimeout(this.#saveTimer)
    this.#saveTimer = null
    const { store, onTrouble } = this.#options
    const { served: view, clusterId } = this.#state
    if (store === null || clusterId === null || view.entries === this.#savedEntries) return
    const save = async () => {
      await store.save({ view, clusterId })
      this.#savedEntries = view.entries
    }
    this.#saving = this.#saving.then(save).catch((error: unknown) => onTrouble(toLabError(error)))
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
