/**
 * What happened in one run: who really lived, what etcd held, what consumers believed. Times are
 * milliseconds on one clock.
 */
export interface RunHistory {
  /** One after the other, from the beginning on. */
  readonly trials: readonly Trial[]
  readonly providers: readonly ProviderLife[]
  /** etcd's own story; a new chapter begins where etcd was restored. */
  readonly chapters: readonly Chapter[]
  readonly consumers: readonly ConsumerStory[]
  readonly listeners: readonly ListenerStory[]
  /** When etcd could not do its part: nothing registers then, and no lease runs out. */
  readonly outages: readonly Interval[]
}

export interface Interval {
  readonly from: number
  readonly to: number
}

/** One fault, and how it ended. It goes on until the next begins. */
export interface Trial {
  readonly name: string
  readonly from: number
  readonly bounds: Bounds
  /** After the cause was gone, milliseconds; null = it was not waited for. */
  readonly settled: { readonly consumer: number; readonly provider: number } | null
}

/** What a fault may cost, seconds. */
export interface Bounds {
  /**
   * How long a living instance may be missing from what a consumer is served. The time in which
   * etcd or the instance itself could do nothing is not counted.
   */
  readonly missing: number
  /**
   * From the end of the cause until every consumer is served exactly who lives, and relies on it. A
   * dead instance is served no longer than this after its death.
   */
  readonly consumer: number
  /** From the end of the cause until every provider is in etcd again, on a lease of its own. */
  readonly provider: number
}

/** One address, from the moment its registration was confirmed. */
export interface ProviderLife {
  readonly port: number
  readonly ttlMs: number
  readonly from: number
  /** Its death or release; null = it lived to the end. */
  readonly to: number | null
  /** When it was frozen: then it lives, but cannot renew, and may rightly be missing. */
  readonly frozen: readonly Interval[]
}

/** The keys of the service by revision: what a list at that revision shows. */
export interface Chapter {
  /** When the test's own watch found that it had begun. */
  readonly from: number
  readonly steps: readonly ChapterStep[]
}

export interface ChapterStep {
  readonly revision: bigint
  /** In ascending order; null = not known from this revision on. */
  readonly ports: readonly number[] | null
}

export interface ConsumerStory {
  readonly name: string
  /** When it was cut off from etcd on purpose. */
  readonly blind: readonly Interval[]
  readonly views: readonly ConsumerView[]
}

/** What a consumer was served from this moment to the next view. */
export interface ConsumerView {
  readonly at: number
  readonly ports: readonly number[]
  readonly revision: bigint
  readonly trust: 'live' | 'stale' | 'guarded'
}

/** A consumer that is told of changes one by one. */
export interface ListenerStory {
  readonly name: string
  readonly told: readonly Told[]
}

export interface Told {
  readonly type: 'added' | 'updated' | 'removed' | 'undecodable' | 'relisted'
  /** Of `relisted`: why. Else the key. */
  readonly what: string
  readonly revision: bigint
}
