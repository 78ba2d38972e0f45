import type { WatchBatch, WatchEvent } from '../etcd/etcd-calls.ts'
import type { RawKey } from '../etcd/etcd-inspector.ts'
import { toBuffer } from '../etcd/wire.ts'
import { decodeInstance } from './codec.ts'
import { isDraining } from './draining.ts'
import type {
  Discovery,
  FoundInstance,
  RegistryChange,
  RemovalCause,
  ServiceInstance,
} from './registry.ts'
import { isKeyOf, keyText } from './service-key.ts'

/**
 * Everything under one prefix as it was at `revision`. Immutable: applying events makes a new view
 * and says what changed. A key is in one of three states: readable (an instance), unreadable, absent.
 */
export interface ServiceView {
  readonly prefix: string
  readonly revision: bigint
  readonly entries: ReadonlyMap<string, ViewEntry>
}

/** One key under the prefix. */
export interface ViewEntry {
  readonly key: string
  /** Its bytes, one character (U+0000 to U+00FF) for each: a fraction of what a Buffer holds on to. */
  readonly value: string
  /** Decimal. */
  readonly modRevision: string
  /** Decimal; "0" = none. */
  readonly lease: string
  /** Null when the key or its value cannot be read. */
  readonly found: FoundInstance | null
  /** Why it cannot be read; empty when it can. */
  readonly reason: string
}

/** What can change in a view, as opposed to what can happen to a watch. */
export type ViewChange = Exclude<RegistryChange, { readonly type: 'relisted' }>

export interface ViewStep {
  readonly view: ServiceView
  readonly changes: readonly RegistryChange[]
}

export function emptyView(prefix: string): ServiceView {
  return { prefix, revision: 0n, entries: new Map() }
}

/** The view that a list made at `revision` shows. */
export function listedView(prefix: string, keys: readonly RawKey[], revision: string): ServiceView {
  const entries = new Map<string, ViewEntry>()
  let neighbour: ViewEntry | undefined
  for (const kv of keys) {
    neighbour = readEntry(prefix, kv, neighbour)
    entries.set(neighbour.key, neighbour)
  }
  return { prefix, revision: BigInt(revision), entries }
}

export function toDiscovery(view: ServiceView): Discovery {
  const instances: FoundInstance[] = []
  const undecodable: { key: string; reason: string }[] = []
  for (const { key, found, reason } of view.entries.values()) {
    if (found) instances.push(found)
    else undecodable.push({ key, reason })
  }
  return { instances, revision: view.revision.toString(), undecodable }
}

/**
 * Applies what a watch delivered. Events that the view already holds are no changes, so a watch
 * that repeats itself after a reconnect does no harm; neither is a PUT of the value that is there
 * already (Java providers repeat theirs every 10 s under a fresh lease): the view then only takes
 * over revision and lease.
 */
export function applyBatch(view: ServiceView, batch: WatchBatch): ViewStep {
  const revision = BigInt(batch.revision)
  const isNew = (event: WatchEvent) => BigInt(event.kv.modRevision) > view.revision
  const events = batch.events.filter(isNew)
  if (events.length === 0)
    return { view: revision > view.revision ? { ...view, revision } : view, changes: [] }
  const entries = new Map(view.entries)
  const changes = events
    .map((event) => applyEvent(view.prefix, entries, event))
    .filter((change) => change !== null)
  return { view: { ...view, entries, revision }, changes }
}

/** The differences from one view to another, removals first, then by revision. */
export function diffViews(from: ServiceView, to: ServiceView): ViewChange[] {
  const removed = [...from.entries.values()]
    .filter(({ key }) => !to.entries.has(key))
    .map((entry) => toRemoved(entry, to.revision))
  const put = [...to.entries.values()]
    .toSorted((a, b) => compareRevisions(a.modRevision, b.modRevision))
    .map((entry) => putChange(from.entries.get(entry.key), entry))
    .filter((change) => change !== null)
  return [...removed, ...put]
}

function applyEvent(
  prefix: string,
  entries: Map<string, ViewEntry>,
  { type, kv }: WatchEvent,
): RegistryChange | null {
  const key = keyText(kv.key)
  const before = entries.get(key)
  if (type === 'delete') {
    entries.delete(key)
    return before ? toRemoved(before, BigInt(kv.modRevision)) : null
  }
  const [neighbour] = entries.values()
  const after = readEntry(prefix, kv, before ?? neighbour)
  entries.set(key, after)
  return putChange(before, after)
}

function putChange(before: ViewEntry | undefined, after: ViewEntry): ViewChange | null {
  if (before?.value === after.value) return null
  const { key, found, reason, modRevision: revision } = after
  if (!found) return { type: 'undecodable', key, reason, revision }
  return { type: before?.found ? 'updated' : 'added', found, revision }
}

function toRemoved(entry: ViewEntry, revision: bigint): ViewChange {
  return {
    type: 'removed',
    key: entry.key,
    instance: entry.found?.instance ?? null,
    lease: entry.lease,
    cause: removalCause(entry),
    revision: revision.toString(),
  }
}

/** What the last value tells. Whether a lease ended with the key only etcd can say. */
function removalCause({ found, lease }: ViewEntry): RemovalCause {
  if (found && isDraining(found.instance)) return 'drained'
  return lease === '0' ? 'deleted' : 'unknown'
}

/** `neighbour` is any entry of the same view: what is equal in both is kept once. */
function readEntry(prefix: string, kv: RawKey, neighbour: ViewEntry | undefined): ViewEntry {
  const { modRevision } = kv
  const key = keyText(kv.key)
  const lease = sameText(kv.lease, neighbour?.lease)
  const entry = { key, value: toBuffer(kv.value).toString('latin1'), modRevision, lease }
  if (!isKeyOf(prefix, key))
    return { ...entry, found: null, reason: 'the key does not go on with host:port' }
  const decoded = decodeInstance(kv.value)
  if (!decoded.ok) return { ...entry, found: null, reason: decoded.reason }
  const instance = shareTexts(decoded.value, neighbour?.found?.instance)
  return { ...entry, found: { instance, key, revision: modRevision, lease }, reason: '' }
}

/** The instances of a service mostly agree in all but their address. */
function shareTexts(
  instance: ServiceInstance,
  neighbour: ServiceInstance | undefined,
): ServiceInstance {
  if (neighbour === undefined) return instance
  return {
    ...instance,
    serviceName: sameText(instance.serviceName, neighbour.serviceName),
    serviceVersion: sameText(instance.serviceVersion, neighbour.serviceVersion),
    serviceGroup: sameText(instance.serviceGroup, neighbour.serviceGroup),
  }
}

/** The known string where it is equal, so that the other one can be forgotten. */
function sameText(text: string, known: string | undefined): string {
  return text === known ? known : text
}

/** Decimal numbers without a sign. */
function compareRevisions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
