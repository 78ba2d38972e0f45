import { LabError, toLabError } from '../../protocol/index.ts'
import type { EtcdClient } from '../etcd/etcd-client.ts'
import { pause } from '../etcd/pause.ts'
import { backoffMs } from './backoff.ts'
import type { ListFlights } from './list-flights.ts'
import { listService } from './list-service.ts'
import { aboutPrefix } from './operation-attributes.ts'
import { orInterrupted } from './or-interrupted.ts'
import { isOvertaken, relistReason } from './overtaken.ts'
import type { RegistryChange } from './registry.ts'
import type { RemovalCauses } from './removal-cause.ts'
import { serviceOfPrefix } from './service-key.ts'
import type { SharedWatches } from './shared-watches.ts'
import { applyBatch, diffViews, emptyView, type ServiceView } from './view.ts'

/** What everybody who looks at the same services shares. */
export interface SharedReading {
  readonly client: EtcdClient
  readonly lists: ListFlights
  readonly watches: SharedWatches
  readonly causes: RemovalCauses
}

export interface ServiceWatchOptions extends SharedReading {
  readonly prefix: string
  readonly signal: AbortSignal
  /** The caller knows the service as it was at this revision; absent = it knows nothing. */
  readonly fromRevision?: string
  /** Told of what goes wrong in the background; the watch carries on. */
  readonly onTrouble: (error: LabError) => void
}

/**
 * The changes of one service: a list, then a watch from the revision after it. When compaction
 * overtakes the watch (the consumer, or the connection, was away too long), or etcd's history is
 * another one, `relisted` and the real differences follow instead of what was missed. Ends without an
 * error when `signal` aborts.
 */
export async function* watchService(
  options: ServiceWatchOptions,
): AsyncGenerator<RegistryChange, void, undefined> {
  try {
    for await (const change of watchEndlessly(options)) {
      if (options.signal.aborted) return
      countChange(options, change)
      yield change
    }
  } catch (error) {
    if (!options.signal.aborted) throw error
  }
}

async function* watchEndlessly(
  options: ServiceWatchOptions,
): AsyncGenerator<RegistryChange, void, undefined> {
  const { telemetry } = options.client
  const { view: first, changes } = await telemetry.operation(
    'watch',
    aboutPrefix,
    startView,
    options,
  )
  yield* changes
  for (let view = first; ;) {
    const { last, overtaken } = yield* follow(options, view)
    if (overtaken === null) return
    // Two clusters behind one address must not be listed in turn without a pause.
    if (overtaken.code === 'HISTORY_CHANGED') await pause(backoffMs(1), options.signal)
    view = await relist(options)
    yield toRelisted(view, overtaken)
    yield* await options.causes.explain(diffViews(last, view), options.signal)
  }
}

/** Goes on until it is overtaken, or (null) the signal aborts; returns the view at that point. */
async function* follow(
  { watches, causes, prefix, signal }: ServiceWatchOptions,
  from: ServiceView,
): AsyncGenerator<RegistryChange, { last: ServiceView; overtaken: LabError | null }, undefined> {
  let view = from
  try {
    const fromRevision = (view.revision + 1n).toString()
    for await (const batch of watches.watch({ prefix, fromRevision, signal })) {
      const step = applyBatch(view, batch)
      view = step.view
      yield* await causes.explain(step.changes, signal)
    }
    // Without an abort only the closing of the client ends a watch.
    if (!signal.aborted) throw new LabError('CLOSED', `the watch of ${prefix} was closed`)
    return { last: view, overtaken: null }
  } catch (error) {
    const overtaken = toLabError(error)
    if (!isOvertaken(overtaken)) throw error
    return { last: view, overtaken }
  }
}

/** What the caller knows already, and what it has to be told first. */
async function startView(
  options: ServiceWatchOptions,
): Promise<{ view: ServiceView; changes: readonly RegistryChange[] }> {
  const { client, prefix, signal, fromRevision: revision } = options
  const nothing = emptyView(prefix)
  if (revision === undefined) {
    const view = await listShared(options)
    return { view, changes: diffViews(nothing, view) }
  }
  try {
    return { view: await listService(client, prefix, { signal, revision }), changes: [] }
  } catch (error) {
    const overtaken = toLabError(error)
    if (!isOvertaken(overtaken)) throw error
    const view = await relist(options)
    return { view, changes: [toRelisted(view, overtaken), ...diffViews(nothing, view)] }
  }
}

function listShared({ lists, prefix, signal }: ServiceWatchOptions): Promise<ServiceView> {
  return orInterrupted(lists.list(prefix), signal, `listing ${prefix}`)
}

/** An outage must not end a watch that has run so far. */
async function relist(options: ServiceWatchOptions): Promise<ServiceView> {
  const { signal, onTrouble } = options
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listShared(options)
    } catch (error) {
      const trouble = toLabError(error)
      if (signal.aborted || !isOutage(trouble)) throw error
      onTrouble(trouble)
      await pause(backoffMs(attempt), signal)
    }
  }
}

function toRelisted(view: ServiceView, overtaken: LabError): RegistryChange {
  return {
    type: 'relisted',
    because: relistReason(overtaken),
    revision: view.revision.toString(),
  }
}

function countChange({ client, prefix }: ServiceWatchOptions, change: RegistryChange): void {
  const { telemetry } = client
  if (change.type === 'undecodable') telemetry.undecodable(serviceOfPrefix(prefix), 1)
  if (change.type === 'relisted') telemetry.relisted(serviceOfPrefix(prefix), change.because)
}

function isOutage({ code }: LabError): boolean {
  return code === 'TIMEOUT' || code === 'UNAVAILABLE' || code === 'QUORUM_LOST'
}
