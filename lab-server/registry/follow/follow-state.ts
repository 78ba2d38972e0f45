import type { WatchBatch } from '../../etcd/etcd-calls.ts'
import type { Trust } from '../registry.ts'
import { keyText } from '../service-key.ts'
import { applyBatch, emptyView, type ServiceView, type ViewEntry } from '../view.ts'

/**
 * What a consumer is served of one service, as a pure state machine: events in, the next state out.
 * The effects are in service-follower.ts.
 */
export interface FollowState {
  /** What etcd says, as far as it was heard; null before the first list. */
  readonly truth: ServiceView | null
  /** What consumers get: the truth and, while guarded, what it has lost. */
  readonly served: ServiceView
  /** Of the cluster that the view came from, hexadecimal; null before anything is known. */
  readonly clusterId: string | null
  /** When etcd last said that the truth is up to date, milliseconds; null = never in this process. */
  readonly confirmedAt: number | null
  readonly guard: Guard | null
}

/** Instances that disappeared together with the history that they were written in. */
export interface Guard {
  readonly held: ReadonlyMap<string, ViewEntry>
  /** Milliseconds, on the clock of the events. */
  readonly until: number
}

export type FollowEvent =
  | { readonly type: 'snapshot'; readonly view: ServiceView; readonly clusterId: string }
  | {
      readonly type: 'listed'
      readonly view: ServiceView
      readonly clusterId: string
      /** The watch found that etcd's history is another one. */
      readonly historyChanged: boolean
      readonly at: number
    }
  | { readonly type: 'batch'; readonly batch: WatchBatch; readonly at: number }
  | { readonly type: 'tick'; readonly at: number }

export interface FollowLimits {
  /** How long instances that a restored or exchanged etcd does not know stay in the view. */
  readonly guardMs: number
  /** Without a word of etcd for so long a view is stale. */
  readonly staleAfterMs: number
}

export function startFollowing(prefix: string): FollowState {
  return {
    truth: null,
    served: emptyView(prefix),
    clusterId: null,
    confirmedAt: null,
    guard: null,
  }
}

export function reduceFollow(
  state: FollowState,
  event: FollowEvent,
  limits: FollowLimits,
): FollowState {
  const next = applyEvent(state, event, limits)
  return event.type === 'snapshot' ? next : endGuard(next, event.at)
}

function applyEvent(state: FollowState, event: FollowEvent, limits: FollowLimits): FollowState {
  switch (event.type) {
    case 'snapshot':
      if (state.truth !== null) return state
      return { ...state, served: event.view, clusterId: event.clusterId }
    case 'listed':
      return onListed(state, event, limits)
    case 'batch':
      return onBatch(state, event.batch, event.at)
    case 'tick':
      return state
  }
}

/** Its time may have passed before the clock says so: any event ends it. */
function endGuard(state: FollowState, at: number): FollowState {
  if (state.guard === null || at < state.guard.until) return state
  return { ...state, served: state.truth ?? state.served, guard: null }
}

/** How far the served view can be relied on at this moment. */
export function trustOf(state: FollowState, at: number, limits: FollowLimits): Trust {
  if (state.guard !== null) return 'guarded'
  if (state.confirmedAt === null) return 'stale'
  return at - state.confirmedAt > limits.staleAfterMs ? 'stale' : 'live'
}

/**
 * A list of the same history is believed at once, whatever it lacks. One of another history lacks
 * what was registered after the copy was made, though those providers live and are about to put
 * themselves back: they are held for as long as that may take.
 */
function onListed(
  state: FollowState,
  event: Extract<FollowEvent, { type: 'listed' }>,
  { guardMs }: FollowLimits,
): FollowState {
  const { view, clusterId, at } = event
  const isOther =
    event.historyChanged ||
    (state.clusterId !== null && state.clusterId !== clusterId) ||
    view.revision < state.served.revision
  const base = isOther ? state.served.entries : (state.guard?.held ?? new Map<string, ViewEntry>())
  const until = isOther ? at + guardMs : (state.guard?.until ?? at)
  const held = new Map([...base].filter(([key, { found }]) => found && !view.entries.has(key)))
  return serve({ ...state, truth: view, clusterId, confirmedAt: at }, { held, until })
}

/** What etcd says of a key in the new history stands, also that it is gone. */
function onBatch(state: FollowState, batch: WatchBatch, at: number): FollowState {
  if (state.truth === null) return state
  const { view: truth } = applyBatch(state.truth, batch)
  const next = { ...state, truth, confirmedAt: at }
  if (state.guard === null) return { ...next, served: truth }
  const held = new Map(state.guard.held)
  for (const { kv } of batch.events) held.delete(keyText(kv.key))
  return serve(next, { ...state.guard, held })
}

function serve(state: FollowState & { readonly truth: ServiceView }, guard: Guard): FollowState {
  if (guard.held.size === 0) return { ...state, served: state.truth, guard: null }
  const entries = new Map([...state.truth.entries, ...guard.held])
  return { ...state, served: { ...state.truth, entries }, guard }
}
