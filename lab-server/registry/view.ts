import type { WatchBatch, WatchEvent } from '../etcd/etcd-calls.ts'
import type { RawKey } from '../etcd/etcd-inspector.ts'
import { decodeInstance } from './codec.ts'
import { isDraining } from './draining.ts'
import type { Discovery, FoundInstance, RegistryChange, RemovalCause } from './registry.ts'
import { keyText, parseInstanceKey, servicePrefix } from './service-key.ts'

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
  readonly value: Uint8Array
  readonly modRevision: bigint
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
  const entries = keys.map((kv) => readEntry(prefix, kv))
  return {
    prefix,
    revision: BigInt(revision),
    entries: new Map(entries.map((entry) => [entry.key, entry])),
  }
}

export function toDiscovery(view: ServiceView): Discovery {
  const entries = [...view.entries.values()]
  return {
    instances: entries.map(({ found }) => found).filter((found) => found !== null),
    revision: view.revision.toString(),
    undecodable: entries
      .filter(({ found }) => found === null)
      .map(({ key, reason }) => ({ key, reason })),
  }
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
    .toSorted((a, b) => compare(a.modRevision, b.modRevision))
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
  const after = readEntry(prefix, kv)
  entries.set(key, after)
  return putChange(before, after)
}

function putChange(before: ViewEntry | undefined, after: ViewEntry): ViewChange | null {
  if (before && Buffer.compare(before.value, after.value) === 0) return null
  const { key, found, reason } = after
  const revision = after.modRevision.toString()
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

function readEntry(prefix: string, kv: RawKey): ViewEntry {
  const key = keyText(kv.key)
  const base = { key, value: kv.value, modRevision: BigInt(kv.modRevision), lease: kv.lease }
  const parsed = parseInstanceKey(key)
  if (!parsed || servicePrefix(parsed.service) !== prefix)
    return { ...base, found: null, reason: 'the key does not go on with host:port' }
  const decoded = decodeInstance(kv.value)
  if (!decoded.ok) return { ...base, found: null, reason: decoded.reason }
  const found = { instance: decoded.value, key, revision: kv.modRevision, lease: kv.lease }
  return { ...base, found, reason: '' }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
