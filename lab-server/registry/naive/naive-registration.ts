import type { Registration, ServiceInstance } from '../registry.ts'
import { instanceKey } from '../service-key.ts'

/** A lease as etcd granted it. */
export interface NaiveLease {
  /** Decimal. */
  readonly id: string
  readonly ttlSeconds: number
}

/** One registration as the process that made it remembers it. */
export class NaiveRegistration implements Registration {
  readonly key: string
  readonly #release: () => Promise<void>
  readonly #ended = new AbortController()
  #instance: ServiceInstance
  #askedTtl = 0
  #lease: NaiveLease = { id: '0', ttlSeconds: 0 }
  #isLost = false

  constructor(instance: ServiceInstance, release: () => Promise<void>) {
    this.key = instanceKey(instance)
    this.#instance = instance
    this.#release = release
  }

  get instance(): ServiceInstance {
    return this.#instance
  }

  /** Seconds. */
  get askedTtl(): number {
    return this.#askedTtl
  }

  /** Aborts when it is released. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** True when etcd said that it does not know the lease. */
  get isLost(): boolean {
    return this.#isLost
  }

  lease(): NaiveLease {
    return this.#lease
  }

  state(): 'registered' | 'recovering' | 'released' {
    if (this.#ended.signal.aborted) return 'released'
    return this.#isLost ? 'recovering' : 'registered'
  }

  /** Writes nothing: a provider of the original leaves without a word. */
  drain(): Promise<void> {
    return Promise.resolve()
  }

  release(): Promise<void> {
    return this.#ended.signal.aborted ? Promise.resolve() : this.#release()
  }

  /** It was written under this lease; returns the one before. */
  hold(instance: ServiceInstance, askedTtl: number, lease: NaiveLease): NaiveLease {
    const former = this.#lease
    this.#instance = instance
    this.#askedTtl = askedTtl
    this.#lease = lease
    this.#isLost = false
    return former
  }

  lose(lease: NaiveLease): void {
    if (this.#lease.id === lease.id) this.#isLost = true
  }

  end(): void {
    this.#ended.abort()
  }
}
