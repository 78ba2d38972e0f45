import type { LabError } from '../../../protocol/index.ts'
import type { ViewFacts } from '../../telemetry/gauges.ts'
import { orInterrupted } from '../or-interrupted.ts'
import type { FollowedService, ServiceId } from '../registry.ts'
import { servicePrefix } from '../service-key.ts'
import type { SharedReading } from '../service-watch.ts'
import type { FollowLimits } from './follow-state.ts'
import { SharedFollowing } from './followed-service.ts'
import { ServiceFollower } from './service-follower.ts'
import type { ViewStore } from './view-store.ts'

export interface FollowerPoolOptions extends SharedReading {
  readonly limits: FollowLimits
  readonly store: ViewStore | null
  readonly onTrouble: (error: LabError) => void
}

interface Shared {
  readonly follower: ServiceFollower
  users: number
}

/** One follower for each service that somebody follows, however many do. */
export class FollowerPool {
  readonly #options: FollowerPoolOptions
  readonly #shared = new Map<string, Shared>()
  /** Followers without users that have not ended yet. */
  readonly #ending = new Set<Promise<void>>()

  constructor(options: FollowerPoolOptions) {
    this.#options = options
  }

  /** Rejects with what kept the follower from having anything to serve, or `INTERRUPTED`. */
  async open(service: ServiceId, signal: AbortSignal | undefined): Promise<FollowedService> {
    const prefix = servicePrefix(service)
    const shared = this.#shared.get(prefix) ?? this.#start(prefix)
    shared.users += 1
    try {
      await orInterrupted(shared.follower.ready, signal, 'following')
    } catch (error) {
      this.#leave(prefix, shared)
      throw error
    }
    const { causes } = this.#options
    return new SharedFollowing({
      service,
      follower: shared.follower,
      causes,
      onClose: () => this.#leave(prefix, shared),
    })
  }

  /** Ends every follower; resolves when what was to be kept is on disk. */
  async close(): Promise<void> {
    for (const [prefix, { follower }] of this.#shared) this.#end(prefix, follower)
    await Promise.all(this.#ending)
  }

  /** How far each followed view can be relied on now. */
  facts(): ViewFacts[] {
    return [...this.#shared.values()].map(({ follower }) => follower.facts())
  }

  #start(prefix: string): Shared {
    const follower = new ServiceFollower({ prefix, ...this.#options })
    const shared = { follower, users: 0 }
    this.#shared.set(prefix, shared)
    return shared
  }

  #leave(prefix: string, shared: Shared): void {
    shared.users -= 1
    if (shared.users === 0 && this.#shared.get(prefix) === shared)
      this.#end(prefix, shared.follower)
  }

  #end(prefix: string, follower: ServiceFollower): void {
    this.#shared.delete(prefix)
    const ending = follower.close().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
