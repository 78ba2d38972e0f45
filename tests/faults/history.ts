/**
 * What happened in one run: who really lived, what etcd held, what consumers believed. Times are
 * milliseconds on one clock.
 */
export interface RunHistory {
  readonly providers: readonly ProviderLife[]
  /** etcd's own story; a new chapter begins where etcd was restored. */
  readonly chapters: readonly Chapter[]
  readonly consumers: readonly ConsumerStory[]
  /** When etcd could not do its part: nothing registers then, and no lease runs out. */
  readonly outages: readonly Interval[]
}

export interface Interval {
  readonly from: number
  readonly to: number
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

/** How late what was to happen may happen, milliseconds, outages not counted. */
export interface Bounds {
  /** Until a living instance that etcd has lost is served again. */
  readonly missing: number
  /** On top of its TTL, until a dead instance is served no more. */
  readonly lingering: number
}
