import type {
  CurrentDiscovery,
  Discovery,
  FollowChange,
  FollowedService,
  ServiceId,
  Trust,
} from '../registry.ts'
import type { RemovalCauses } from '../removal-cause.ts'
import { diffViews, emptyView, toDiscovery, type ServiceView } from '../view.ts'
import type { ServiceFollower } from './service-follower.ts'

export interface FollowedServiceOptions {
  readonly service: ServiceId
  readonly follower: ServiceFollower
  /** Asked why an instance is gone. */
  readonly causes: RemovalCauses
  /** Called once. */
  readonly onClose: () => void
}

/** What one loop over the changes was last given. */
interface Told {
  readonly view: ServiceView
  readonly trust: Trust | null
}

/** One consumer's share of a follower. */
export class SharedFollowing implements FollowedService {
  readonly service: ServiceId
  readonly #options: FollowedServiceOptions
  readonly #closing = new AbortController()
  #shown: { readonly view: ServiceView; readonly discovery: Discovery } | null = null

  constructor(options: FollowedServiceOptions) {
    this.service = options.service
    this.#options = options
  }

  current(): CurrentDiscovery {
    const { follower } = this.#options
    const { served, confirmedAt } = follower.state
    if (this.#shown?.view !== served) this.#shown = { view: served, discovery: toDiscovery(served) }
    return {
      ...this.#shown.discovery,
      trust: follower.trust,
      ageMs: confirmedAt === null ? null : performance.now() - confirmedAt,
    }
  }

  async *changes({
    signal,
  }: {
    signal: AbortSignal
  }): AsyncGenerator<FollowChange, void, undefined> {
    const { follower, causes } = this.#options
    const end = AbortSignal.any([signal, this.#closing.signal, follower.closed])
    let told: Told = { view: emptyView(follower.state.served.prefix), trust: null }
    while (await this.#untilNews(told, end)) {
      const now = { view: follower.state.served, trust: follower.trust }
      const differences = diffViews(told.view, now.view)
      for (const change of await causes.explain(differences, end)) {
        if (end.aborted) return
        yield change
      }
      if (now.trust !== told.trust)
        yield { type: 'trust', trust: now.trust, revision: now.view.revision.toString() }
      told = now
    }
  }

  close(): void {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#options.onClose()
  }

  /** False when the loop has to end. */
  async #untilNews(told: Told, end: AbortSignal): Promise<boolean> {
    const { follower } = this.#options
    const isNews = () =>
      follower.state.served.entries !== told.view.entries || follower.trust !== told.trust
    if (end.aborted || isNews()) return !end.aborted
    const news: PromiseWithResolvers<void> = Promise.withResolvers()
    const look = () => {
      if (end.aborted || isNews()) news.resolve()
    }
    const forget = follower.onChange(look)
    end.addEventListener('abort', look)
    await news.promise
    forget()
    end.removeEventListener('abort', look)
    return !end.aborted
  }
}
