/** One provider of a service. Field order is the wire order of the Java side. */
export interface ServiceInstance {
  readonly serviceName: string
  /** "1.0" when absent. */
  readonly serviceVersion: string
  readonly serviceHost: string
  readonly servicePort: number
  /** "default" when absent. Not part of the key. */
  readonly serviceGroup: string
  /** Fields this project does not know (weight, tags …), kept as they came. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A service as consumers name it: `name:version`. */
export interface ServiceId {
  readonly name: string
  readonly version: string
}

/** Where an instance came from. */
export interface FoundInstance {
  readonly instance: ServiceInstance
  /** The registry's own key. */
  readonly key: string
  /** Opaque: etcd's mod_revision of the key. */
  readonly revision: string
  /** Lease id (decimal); "0" = none, the instance will never expire. */
  readonly lease: string
}

export interface Discovery {
  readonly instances: readonly FoundInstance[]
  /** Opaque; the etcd revision at which this list was true. */
  readonly revision: string
  /** Keys under the service whose value could not be read; they are skipped, never thrown. */
  readonly undecodable: readonly { readonly key: string; readonly reason: string }[]
}

/**
 * A delete has no cause in etcd; this is what can be known afterwards.
 * - `drained`: its provider had said that it was leaving.
 * - `lease-ended`: the lease is gone with the key; etcd does not say whether it expired or was
 *   revoked.
 * - `deleted`: the key was deleted; its lease lives on, or it had none.
 * - `unknown`: etcd could not be asked in time.
 */
export type RemovalCause = 'drained' | 'lease-ended' | 'deleted' | 'unknown'

export type RegistryChange =
  | { readonly type: 'added' | 'updated'; readonly found: FoundInstance; readonly revision: string }
  | {
      readonly type: 'removed'
      readonly key: string
      /** Null when the previous value could not be read. */
      readonly instance: ServiceInstance | null
      /** That the key was on, decimal; "0" = none. */
      readonly lease: string
      readonly cause: RemovalCause
      readonly revision: string
    }
  /** The key is there, its value cannot be read (any more): no instance is known under it. */
  | {
      readonly type: 'undecodable'
      readonly key: string
      readonly reason: string
      readonly revision: string
    }
  /**
   * The watch could not go on where it was: what comes next has been compacted, or etcd's history is
   * another one (it was restored from a copy). The list was read again; the differences follow as
   * changes (all instances as `added` when `fromRevision` itself is gone, since nothing is known to
   * differ from). After `history-changed` the revisions begin anew.
   */
  | {
      readonly type: 'relisted'
      readonly because: 'compacted' | 'history-changed'
      readonly revision: string
    }

/**
 * A registration that keeps itself alive, and puts itself back after any loss, until released. When
 * someone else registers the same address later and keeps it alive, theirs stands; this one comes
 * back when theirs is gone.
 */
export interface Registration {
  /** As it was written: defaults filled in, IPv6 in brackets. */
  readonly instance: ServiceInstance
  readonly key: string
  /**
   * Says that this instance is leaving (`draining` in its value, which consumers here do not choose
   * and Java consumers ignore); `release` follows when calls in flight have ended. Resolves when it
   * is written.
   */
  drain(): Promise<void>
  /** Current lease id (decimal), and the TTL etcd granted (seconds; may exceed what was asked). */
  lease(): { readonly id: string; readonly ttlSeconds: number }
  /** `registered`: in etcd as far as known. `recovering`: lost or unreachable, being put back. */
  state(): 'registered' | 'recovering' | 'released'
  /**
   * Removes the key (only while it is this registration's own) and the lease with its last key;
   * resolves when etcd has confirmed. Rejects when it could not within the deadline; the removal
   * goes on, and calling again waits again.
   */
  release(): Promise<void>
}

/**
 * A service registry. Errors are `LabError`: `INVALID_INSTANCE` before anything is sent,
 * `TIMEOUT` / `UNAVAILABLE` / `QUORUM_LOST` when the registry cannot answer within the deadline,
 * `CLOSED` after `close`.
 */
export interface Registry {
  /**
   * `ttlSeconds` 30 by default. Resolves when the instance is in the registry. When it rejects, also
   * because `signal` aborted (`INTERRUPTED`), whatever may have reached the registry is taken back.
   * Registering the same address again changes what is registered and resolves with the same
   * Registration; a change goes on when its caller no longer waits.
   */
  register(
    instance: ServiceInstance,
    options?: { ttlSeconds?: number; signal?: AbortSignal },
  ): Promise<Registration>
  /**
   * Removes an instance, whoever registered it. `NOT_REGISTERED` when it is not there. A provider
   * that still runs elsewhere will put its own back.
   */
  deregister(instance: ServiceInstance): Promise<void>
  discover(service: ServiceId): Promise<Discovery>
  /** All services that have at least one key, with the number of their instances. */
  services(): Promise<{
    readonly services: readonly { readonly id: ServiceId; readonly instances: number }[]
    readonly revision: string
  }>
  /**
   * Every change after `fromRevision` (default: after a list made now, which is yielded first as
   * `added`). No gap, no duplicate, no reordering, over leader loss and reconnects. A write that
   * leaves the value as it was is no change (Java providers repeat theirs every 10 s under a fresh
   * lease). Ends when `signal` aborts or the registry closes.
   */
  watch(
    service: ServiceId,
    options: { signal: AbortSignal; fromRevision?: string },
  ): AsyncIterable<RegistryChange>
  /** Registrations made through this registry and not released. */
  registrations(): readonly Registration[]
  /**
   * Releases every registration (best effort within 3 s: what etcd has not confirmed then expires
   * with its lease) and ends every watch.
   */
  close(): Promise<void>
}

/**
 * How far a view can be relied on.
 * - `live`: etcd said within the last seconds that this is what there is.
 * - `stale`: etcd cannot be asked; this is what was last known, in this process or on disk.
 * - `guarded`: etcd itself is suspect (restored from a copy, or another cluster). Instances that it
 *   has lost stay in the view until they register again or the guard ends.
 */
export type Trust = 'live' | 'stale' | 'guarded'

/** What is known of a service without asking. */
export interface CurrentDiscovery extends Discovery {
  readonly trust: Trust
  /** Since etcd last said so, milliseconds; null when it has not in this process (from disk). */
  readonly ageMs: number | null
}

export type FollowChange =
  | Exclude<RegistryChange, { readonly type: 'relisted' }>
  | { readonly type: 'trust'; readonly trust: Trust; readonly revision: string }

/** One consumer's share of the view of a service. */
export interface FollowedService {
  readonly service: ServiceId
  /** From memory; never waits and never throws. */
  current(): CurrentDiscovery
  /**
   * The differences between what this loop was last given and what is known now: first all
   * instances as `added` and how far they can be relied on, then what changes. A loop that takes
   * its time misses what came and went meanwhile and nothing else. Ends when `signal` aborts or the
   * view is closed.
   */
  changes(options: { signal: AbortSignal }): AsyncIterable<FollowChange>
  /** Gives the share back; the last one ends the watch behind it. */
  close(): void
}

/** A registry that keeps views: all consumers of a service in one process share one watch. */
export interface FollowingRegistry extends Registry {
  /**
   * Resolves when there is something to serve: what etcd says or, when it cannot be asked, what the
   * last process left on disk. Rejects like `discover` when there is neither.
   */
  follow(service: ServiceId, options?: { signal?: AbortSignal }): Promise<FollowedService>
}
