import type { ServiceId } from '../registry/registry.ts'

/**
 * `starting` until it is registered and answers; `draining` from the moment it was asked to end in
 * order; `ended` when its process is gone, whatever the reason.
 */
export type ProviderState = 'starting' | 'running' | 'paused' | 'draining' | 'ended'

/** A process that answers calls and keeps itself registered. */
export interface Provider {
  /** `p1`, `p2` …, never used twice in a lab. */
  readonly name: string
  readonly service: ServiceId
  /** `127.0.0.1:40123`; null while it starts. */
  readonly address: string | null
  /** What it registers as `extra.weight`. */
  readonly weight: number
  /** What it asks for; etcd may grant more. */
  readonly ttlSeconds: number
  readonly state: ProviderState
}

export interface ProviderStart {
  readonly service: ServiceId
  readonly ttlSeconds: number
  readonly weight: number
}

/** How one request went. `ms` is the time until that was known. */
export type CallOutcome =
  /** `count`: how many calls the provider has answered so far. */
  | {
      readonly kind: 'answered'
      readonly provider: string
      readonly count: number
      readonly ms: number
    }
  /** No provider of this lab ever listened there; nothing was sent. */
  | { readonly kind: 'stranger' }
  /** The provider that listened there has ended; nothing was sent. */
  | { readonly kind: 'gone'; readonly provider: string }
  /** The connection was refused: the call was not carried out. */
  | { readonly kind: 'refused'; readonly provider: string; readonly ms: number }
  /** No answer within the deadline: the call may have been carried out. */
  | { readonly kind: 'late'; readonly provider: string; readonly ms: number }
  /** The connection ended without an answer: the call may have been carried out. */
  | { readonly kind: 'broken'; readonly provider: string; readonly ms: number }

/**
 * The providers of one lab: separate processes, at most `limits.providers` at once, those that
 * start or drain included.
 *
 * Every method that names a provider rejects with `LabError`: `NO_SUCH_PROVIDER`, `PROVIDER_STATE`
 * when its state does not allow it, `CLOSED` after `close`.
 */
export interface ProviderControl {
  /** Those whose process lives, in the order of their start. */
  list(): readonly Provider[]
  /** How many more may be started now. */
  room(): number
  /**
   * Resolves when the provider is registered and answers. Counts from the call on; starts take turns.
   * Rejects with `PROVIDER_LIMIT`, `PROVIDER_START_FAILED`, `INTERRUPTED`, or what the registry said
   * (`TIMEOUT`, `UNAVAILABLE`, `QUORUM_LOST`).
   */
  start(wanted: ProviderStart, options?: { signal?: AbortSignal }): Promise<Provider>
  /** SIGKILL; resolves when the process is gone. Its registration stays until its lease expires. */
  kill(name: string): Promise<void>
  /** SIGSTOP; resolves when the process is observed stopped. */
  pause(name: string): Promise<void>
  /** SIGCONT. */
  resume(name: string): Promise<void>
  /**
   * The provider marks its instance as draining, lets calls in flight finish, deregisters and ends.
   * Resolves when it is gone; `deregistered` is false when the registry did not confirm in time.
   */
  drain(name: string): Promise<{ readonly deregistered: boolean }>
  /**
   * One request to the living provider that listens at exactly this address. Nothing is ever sent
   * to any other. Rejects only when `signal` aborts, with its reason.
   */
  call(
    address: string,
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<CallOutcome>
  /** Ends every provider, paused ones too. Idempotent. */
  close(): Promise<void>
}
