import { LabError, toLabError } from '../../../protocol/index.ts'
import type { WatchBatch } from '../../etcd/etcd-calls.ts'
import { pause } from '../../etcd/pause.ts'
import { backoffMs } from '../backoff.ts'
import { readJavaValue } from '../codec.ts'
import type { RegistryChange } from '../registry.ts'
import { keyText } from '../service-key.ts'
import { applyBatch, diffViews, listedView, toDiscovery, type ServiceView } from '../view.ts'
import type { NaiveTools } from './naive-tools.ts'

type Listener = (changes: readonly RegistryChange[]) => void

/** What the original holds of one service: a list that it caches for good, and the watches behind. */
export class NaiveView {
  readonly #tools: NaiveTools
  readonly #prefix: string
  readonly #watches = new Map<string, AbortController>()
  readonly #listeners = new Set<Listener>()
  #cached: ServiceView | null = null
  #fetching: Promise<ServiceView> | null = null

  constructor(tools: NaiveTools, prefix: string) {
    this.#tools = tools
    this.#prefix = prefix
  }

  get cached(): ServiceView | null {
    return this.#cached
  }

  watched(): string[] {
    return [...this.#watches.keys()]
  }

  /** Asks etcd, caches the answer, and watches. */
  fetch(): Promise<ServiceView> {
    // Fault 15: every caller that finds no cache asks for itself.
    if (this.#tools.has('no-single-flight')) return this.#fetch()
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  /** What the cache goes through: the list as `added` first, unless the caller knows a revision. */
  async *changes(
    signal: AbortSignal,
    fromRevision: string | undefined,
  ): AsyncGenerator<RegistryChange, void, undefined> {
    const fetched = this.#cached ?? (await this.fetch())
    const view = this.#cached ?? fetched
    const pending: RegistryChange[] = []
    let news: PromiseWithResolvers<void> = Promise.withResolvers()
    const wake = () => news.resolve()
    const listener: Listener = (changes) => {
      pending.push(...changes)
      wake()
    }
    const end = AbortSignal.any([signal, this.#tools.calls.signal])
    this.#listeners.add(listener)
    end.addEventListener('abort', wake)
    try {
      yield* await this.#firstChanges(view, fromRevision)
      while (!end.aborted) {
        yield* pending.splice(0)
        await news.promise
        news = Promise.withResolvers()
      }
    } finally {
      this.#listeners.delete(listener)
      end.removeEventListener('abort', wake)
    }
  }

  async #fetch(): Promise<ServiceView> {
    const view = await this.#list()
    const targets = this.#targets(view).filter((target) => !this.#watches.has(target))
    this.#tools.admitWatches(targets.length)
    this.#cached = view
    for (const target of targets) this.#watch(target, view.revision)
    return view
  }

  async #list(revision?: string): Promise<ServiceView> {
    const { etcd, calls, has } = this.#tools
    const request = { prefix: this.#prefix, ...(revision !== undefined && { revision }) }
    const { kvs, header } = await etcd.range(request, calls)
    // Fault 16: one value that Java's reader throws at, and there is no list at all.
    for (const { key, value } of has('undecodable-throws') ? kvs : []) {
      const read = readJavaValue(Buffer.from(value).toString())
      if (!read.ok) throw new LabError('UNDECODABLE', `${keyText(key)}: ${read.reason}`)
    }
    return listedView(this.#prefix, kvs, revision ?? header.revision)
  }

  /** Fault 2: only the keys of the list. Fault 3: and so nothing at all behind an empty one. */
  #targets(view: ServiceView): readonly string[] {
    const { has } = this.#tools
    if (view.entries.size === 0) return has('caches-empty-list') ? [] : [this.#prefix]
    return has('watches-known-keys-only') ? [...view.entries.keys()] : [this.#prefix]
  }

  #watch(target: string, listedAt: bigint): void {
    const stop = new AbortController()
    this.#watches.set(target, stop)
    const signal = AbortSignal.any([stop.signal, this.#tools.calls.signal])
    // Fault 5: from whenever the watch begins; what happened since the list is lost.
    const from = this.#tools.has('watch-without-revision') ? null : listedAt + 1n
    void this.#follow(target, from, signal)
  }

  async #follow(target: string, first: bigint | null, signal: AbortSignal): Promise<void> {
    const { etcd, has, onTrouble } = this.#tools
    const range = target === this.#prefix ? { prefix: target } : { key: target }
    let from = first
    for (let attempt = 0; await pause(backoffMs(attempt), signal); attempt += 1) {
      try {
        if (attempt > 0) from = (await this.#relist()) + 1n
        const start = from === null ? {} : { fromRevision: from.toString() }
        for await (const batch of etcd.watch({ ...range, ...start, signal })) this.#apply(batch)
        return
      } catch (error) {
        // Fault 6: no error path. The target stays in the set, so nobody watches it again either.
        if (signal.aborted || has('watch-dies-silently')) return
        onTrouble(toLabError(error))
      }
    }
  }

  async #relist(): Promise<bigint> {
    const before = this.#cached
    const view = await this.#list()
    this.#cached = view
    if (before) this.#tell(diffViews(before, view))
    return view.revision
  }

  /**
   * Fault 1: the cache is cleared under a key that it does not have, so a delete changes nothing.
   * Fault 4: a put is not looked at.
   */
  #apply(batch: WatchBatch): void {
    const { has } = this.#tools
    const view = this.#cached
    if (!view) return
    const events = batch.events.filter(
      ({ type }) => !has(type === 'put' ? 'ignores-puts' : 'clears-wrong-key'),
    )
    const step = applyBatch(view, { ...batch, events })
    // A watch for each key: one may be ahead, and must not hide what another has yet to tell.
    const revision = has('watches-known-keys-only') ? view.revision : step.view.revision
    this.#cached = { ...step.view, revision }
    this.#tell(step.changes)
    // Fault 7: the watch of a key that is gone goes on.
    if (has('watches-pile-up')) return
    for (const { type, kv } of batch.events) if (type === 'delete') this.#unwatch(keyText(kv.key))
  }

  #unwatch(target: string): void {
    this.#watches.get(target)?.abort()
    this.#watches.delete(target)
  }

  async #firstChanges(view: ServiceView, known: string | undefined): Promise<RegistryChange[]> {
    if (known === undefined) {
      const { instances } = toDiscovery(view)
      return instances.map((found) => ({ type: 'added', found, revision: found.revision }))
    }
    // Fault 5: what happened between that revision and now is not told.
    if (this.#tools.has('watch-without-revision')) return []
    return diffViews(await this.#list(known), view)
  }

  #tell(changes: readonly RegistryChange[]): void {
    if (changes.length === 0) return
    for (const listener of this.#listeners) listener(changes)
  }
}
