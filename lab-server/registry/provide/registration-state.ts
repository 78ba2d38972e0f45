import type { LabError } from '../../../protocol/index.ts'
import { backoffMs } from '../backoff.ts'
import { isOvertaken } from '../overtaken.ts'
import { planStep, type HeldLease, type SeenKey, type Step } from './registration-plan.ts'

/**
 * One registration as a pure state machine: an event and a moment in, the next state and what is to
 * be done out. What is wanted lives here and is never read back from etcd. One thing that writes is
 * under way at a time, so that a release is never overtaken by a renewal.
 */
export interface RegistrationState {
  readonly key: string
  /** Null = to be removed; for good. */
  readonly wanted: Wanted | null
  /** The caller has just asked for this key: take it over from whoever holds it. */
  readonly claim: boolean
  /** Held now; null = none, or lost. */
  readonly lease: HeldLease | null
  /** Leases of an earlier TTL that are still held. */
  readonly former: readonly string[]
  /** The present lease, and those whose end may not have been seen yet. */
  readonly ownLeases: readonly string[]
  readonly seen: SeenKey
  readonly seenAt: bigint
  readonly watch: OwnWatch
  /** What is under way. */
  readonly task: Task | null
  /**
   * `resting`: the key is as wished. `yielding`: another process keeps it; its going is waited for.
   * `removed`: the release is done, and late puts are looked out for.
   */
  readonly phase: 'working' | 'resting' | 'yielding' | 'removed' | 'ended'
  /** Calls that failed since one was answered. */
  readonly failures: number
  /** How often the key was lost again while it had hardly been put back. */
  readonly losses: number
  /** Nothing is begun earlier, milliseconds. */
  readonly notBefore: number
  /** When the key was last written, milliseconds. */
  readonly putAt: number
  /** A put may still be executed by a member that did not answer it. */
  readonly mayLurk: boolean
  /** Null = it is wanted. */
  readonly removal: Removal | null
}

/** What is left to do of a release, once the leases are given back. */
export interface Removal {
  /** Leases that others go on using: the key has to be taken off them. */
  readonly toClean: readonly string[]
  /** Those of them on which a late put may bring the key back. */
  readonly guarded: readonly string[]
}

export interface Wanted {
  readonly value: string
  readonly ttlSeconds: number
}

export type Task =
  | { readonly do: 'join'; readonly ttlSeconds: number }
  | {
      readonly do: 'put'
      readonly value: string
      readonly lease: string
      /** Only if the key is still of this revision; "0" = only if it is not there. */
      readonly expect: string
      /** The latest revision at which the key is known. */
      readonly knownAt: bigint
    }
  | { readonly do: 'leave'; readonly lease: string }
  /** Only while the key is on this lease: whoever has taken it over keeps it. */
  | { readonly do: 'delete'; readonly lease: string }

/** The watch of the own key, whoever changes it. */
export interface OwnWatch {
  /** `broken`: begins again at `until`; `overtaken`: the same, with a look at the key. */
  readonly step: 'none' | 'watching' | 'looking' | 'broken' | 'overtaken'
  /** The last revision that is known. */
  readonly from: string
  /** Milliseconds. */
  readonly startedAt: number
  /** The latest revision at which the key was known when the look began. */
  readonly knownAt: bigint
  /** Failures in a row. */
  readonly failures: number
  /** Milliseconds. */
  readonly until: number
}

export type RegistrationEvent =
  /** Null = release. A release is for good. */
  | { readonly type: 'wish'; readonly wanted: Wanted | null }
  /** A caller wants to hear when the present wish has come true. */
  | { readonly type: 'asked' }
  | { readonly type: 'joined'; readonly lease: HeldLease }
  /** `revoked`: it was the last share, and the lease is gone with its keys. */
  | { readonly type: 'left'; readonly lease: string; readonly revoked: boolean }
  | {
      readonly type: 'put-answered'
      readonly succeeded: boolean
      readonly revision: string
      /** The key as it stands where the put was refused. */
      readonly found: SeenKey
      readonly tookMs: number
    }
  | { readonly type: 'deleted'; readonly lease: string; readonly revision: string }
  /** The task under way failed; its effect may have been, or may still be, executed. */
  | { readonly type: 'failed'; readonly error: LabError }
  /** It was ended because of a new wish. */
  | { readonly type: 'aborted' }
  | { readonly type: 'seen'; readonly key: SeenKey; readonly revision: string }
  | { readonly type: 'watch-ended'; readonly error: LabError }
  | { readonly type: 'looked'; readonly key: SeenKey; readonly revision: string }
  | { readonly type: 'look-failed'; readonly error: LabError }
  /** etcd no longer has it. */
  | { readonly type: 'lease-ended'; readonly lease: string }
  /** It is to be left for another one. */
  | { readonly type: 'lease-retired'; readonly lease: string }
  | { readonly type: 'woke' }
  /** Ends everything without touching etcd. */
  | { readonly type: 'stop' }

export type RegistrationCommand =
  | Task
  /** Ends a put under way; `aborted` or its result follows. */
  | { readonly do: 'abort' }
  | { readonly do: 'watch'; readonly from: string }
  | { readonly do: 'unwatch' }
  | { readonly do: 'look' }
  /** Replaces an earlier one. */
  | { readonly do: 'wake'; readonly at: number }
  /** The present wish has come true; `registered`: the key stands in etcd as wished. */
  | { readonly do: 'settle'; readonly registered: boolean }
  /** The key does not stand in etcd any more as wished. */
  | { readonly do: 'tell-lost'; readonly reason: LossReason }
  | { readonly do: 'reject'; readonly error: LabError }
  | { readonly do: 'trouble'; readonly error: LabError }
  /** etcd has just said that it does not know this lease. */
  | { readonly do: 'report-lost'; readonly lease: string }
  /**
   * etcd was restored from a copy, which may hold what has been taken off this lease since: it would
   * live as long as the lease does.
   */
  | { readonly do: 'report-suspect'; readonly lease: string }
  | { readonly do: 'end' }

export type LossReason = 'lease-lost' | 'key-lost' | 'key-changed'

export interface Moment {
  /** Milliseconds on a clock that never goes back. */
  readonly at: number
  /** In [0, 1). */
  readonly random: () => number
}

type Turn = readonly [RegistrationState, readonly RegistrationCommand[]]

/** A key that is gone again sooner than this after it was put back has an adversary. */
const calmMs = 10_000
/** A slower put may have been sent to a second member, which may execute it much later. */
const promptMs = 100
const rememberedLeases = 4
const resting = { rest: 'resting', yield: 'yielding' } as const

export function startRegistration(key: string): RegistrationState {
  return {
    key,
    wanted: null,
    claim: false,
    lease: null,
    former: [],
    ownLeases: [],
    seen: null,
    seenAt: 0n,
    watch: { step: 'none', from: '0', startedAt: 0, knownAt: 0n, failures: 0, until: 0 },
    task: null,
    phase: 'resting',
    failures: 0,
    losses: 0,
    notBefore: 0,
    putAt: -Infinity,
    mayLurk: false,
    removal: null,
  }
}

export function reduceRegistration(
  state: RegistrationState,
  event: RegistrationEvent,
  moment: Moment,
): Turn {
  if (state.phase === 'ended') return [state, []]
  const [heard, commands] = hear(state, event, moment)
  if (heard.phase === 'ended') return [heard, commands]
  const [watched, looking] = keepWatch(heard, moment)
  const [next, doing] = proceed(watched, moment)
  return [next, [...commands, ...looking, ...doing, ...planWake(next, moment)]]
}

function hear(state: RegistrationState, event: RegistrationEvent, moment: Moment): Turn {
  switch (event.type) {
    case 'wish':
      return onWish(state, event.wanted, moment)
    case 'asked':
    case 'woke':
      return [state, []]
    case 'joined':
      return [onJoined(state, event.lease), []]
    case 'left':
      return [onLeft(state, event), []]
    case 'put-answered':
      return onPutAnswered(state, event, moment)
    case 'deleted':
      return [onDeleted(state, event), []]
    case 'failed':
      return onFailed(state, event.error, moment)
    case 'aborted':
      return [{ ...endTask(state), mayLurk: true }, []]
    case 'seen':
      return [onSeen(state, event), []]
    case 'watch-ended':
      return onWatchEnded(state, event.error, moment)
    case 'looked':
      return onLooked(state, event)
    case 'look-failed':
      return onLookFailed(state, event.error, moment)
    case 'lease-ended':
      return onLeaseEnded(state, event.lease)
    case 'lease-retired':
      return [onLeaseRetired(state, event.lease), []]
    case 'stop':
      return end(state, [])
  }
}

/** What the caller asks for is done without delay. */
function onWish(state: RegistrationState, wanted: Wanted | null, { at }: Moment): Turn {
  if (state.removal !== null) return [state, []]
  const removal: Removal | null = wanted === null ? { toClean: [], guarded: [] } : null
  const next: RegistrationState = {
    ...state,
    wanted,
    removal,
    claim: wanted !== null,
    notBefore: at,
    phase: 'working',
  }
  return [next, state.task?.do === 'put' ? [{ do: 'abort' }] : []]
}

function onJoined(state: RegistrationState, lease: HeldLease): RegistrationState {
  const former = state.lease === null ? state.former : [...state.former, state.lease.id]
  const ownLeases = [...state.ownLeases, lease.id].slice(-rememberedLeases)
  return endTask({ ...state, lease, former, ownLeases })
}

function onLeft(
  state: RegistrationState,
  { lease, revoked }: Extract<RegistrationEvent, { type: 'left' }>,
): RegistrationState {
  const next = endTask(forgetLease(state, lease))
  const { removal } = next
  if (removal === null || revoked) return next
  const toClean = [...removal.toClean, lease]
  const guarded = next.mayLurk ? [...removal.guarded, lease] : removal.guarded
  return { ...next, removal: { toClean, guarded } }
}

function onPutAnswered(
  state: RegistrationState,
  answer: Extract<RegistrationEvent, { type: 'put-answered' }>,
  { at }: Moment,
): Turn {
  const { task } = state
  if (task?.do !== 'put') return [state, []]
  const { succeeded, revision, found, tookMs } = answer
  const mayLurk = state.mayLurk || tookMs >= promptMs
  // etcd answers from before what was known when it was asked: it was restored from a copy.
  const isRestored = BigInt(revision) < task.knownAt
  const known = endTask({ ...(isRestored ? forgetKey(state) : state), mayLurk, failures: 0 })
  // Also when it was refused: what stands there may be this very put, executed by an attempt whose
  // answer was lost.
  const next = beginWatch(known, revision)
  const suspicion = isRestored ? reportSuspect(next) : []
  if (!succeeded) return [see(next, found, revision), suspicion]
  const { value, lease } = task
  const seen: SeenKey = { modRevision: revision, lease, value }
  return [see({ ...next, claim: false, putAt: at }, seen, revision), suspicion]
}

function onDeleted(
  state: RegistrationState,
  { lease, revision }: Extract<RegistrationEvent, { type: 'deleted' }>,
): RegistrationState {
  const next = endTask(state)
  if (next.removal === null) return next
  const toClean = next.removal.toClean.filter((id) => id !== lease)
  const removal = { ...next.removal, toClean }
  // A put that came back meanwhile is newer than the answer, and stays seen.
  return see(beginWatch({ ...next, removal }, revision), null, revision)
}

/** Nothing that fails ends a registration, but that there is nobody to ask any more. */
function onFailed(state: RegistrationState, error: LabError, moment: Moment): Turn {
  const { task } = state
  const next = endTask({ ...state, mayLurk: state.mayLurk || task?.do === 'put' })
  if (error.code === 'CLOSED') return end(next, [{ do: 'reject', error }])
  const failures = next.failures + 1
  const later = delay({ ...next, failures }, failures, moment)
  if (error.code === 'LEASE_LOST' && task?.do === 'put')
    return [
      forgetLease(later, task.lease),
      [
        { do: 'report-lost', lease: task.lease },
        { do: 'tell-lost', reason: 'lease-lost' },
      ],
    ]
  return [
    later,
    [
      { do: 'reject', error },
      { do: 'trouble', error },
    ],
  ]
}

function onSeen(
  state: RegistrationState,
  { key, revision }: Extract<RegistrationEvent, { type: 'seen' }>,
): RegistrationState {
  const watch = { ...state.watch, from: revision, failures: 0 }
  return see({ ...state, watch }, key, revision)
}

function onWatchEnded(state: RegistrationState, error: LabError, moment: Moment): Turn {
  const broken = breakWatch(state, isOvertaken(error) ? 'overtaken' : 'broken', error, moment)
  if (error.code === 'HISTORY_CHANGED') return [forgetKey(broken), reportSuspect(broken)]
  return [broken, isOvertaken(error) || error.code === 'CLOSED' ? [] : [{ do: 'trouble', error }]]
}

function onLooked(
  state: RegistrationState,
  { key, revision }: Extract<RegistrationEvent, { type: 'looked' }>,
): Turn {
  // Asked for by an earlier registration of the key.
  if (state.watch.step !== 'looking') return [state, []]
  const watch: OwnWatch = { ...state.watch, step: 'broken', from: revision, until: -Infinity }
  const isRestored = BigInt(revision) < state.watch.knownAt
  const known = isRestored ? forgetKey(state) : state
  return [see({ ...known, watch }, key, revision), isRestored ? reportSuspect(state) : []]
}

function onLookFailed(state: RegistrationState, error: LabError, moment: Moment): Turn {
  if (state.watch.step !== 'looking') return [state, []]
  const broken = breakWatch(state, 'overtaken', error, moment)
  return [broken, error.code === 'CLOSED' ? [] : [{ do: 'trouble', error }]]
}

function onLeaseEnded(state: RegistrationState, lease: string): Turn {
  const next = forgetLease(state, lease)
  if (next.removal === null)
    return [next, state.lease?.id === lease ? [{ do: 'tell-lost', reason: 'lease-lost' }] : []]
  const without = (ids: readonly string[]) => ids.filter((id) => id !== lease)
  const { toClean, guarded } = next.removal
  return [{ ...next, removal: { toClean: without(toClean), guarded: without(guarded) } }, []]
}

function onLeaseRetired(state: RegistrationState, lease: string): RegistrationState {
  if (state.lease?.id !== lease) return state
  return { ...state, lease: { ...state.lease, isRetired: true } }
}

function reportSuspect({ lease }: RegistrationState): readonly RegistrationCommand[] {
  return lease === null ? [] : [{ do: 'report-suspect', lease: lease.id }]
}

/** Two sources tell of the key, the watch and our own transactions: the newer one is right. */
function see(state: RegistrationState, seen: SeenKey, revision: string): RegistrationState {
  const at = BigInt(revision)
  return at < state.seenAt ? state : { ...state, seen, seenAt: at }
}

/** The history that the key was seen in is not etcd's any more. */
function forgetKey(state: RegistrationState): RegistrationState {
  return { ...state, seen: null, seenAt: 0n }
}

function forgetLease(state: RegistrationState, lease: string): RegistrationState {
  return {
    ...state,
    lease: state.lease?.id === lease ? null : state.lease,
    former: state.former.filter((id) => id !== lease),
  }
}

function endTask(state: RegistrationState): RegistrationState {
  return { ...state, task: null }
}

function delay(state: RegistrationState, attempt: number, moment: Moment): RegistrationState {
  return { ...state, notBefore: moment.at + backoffMs(attempt, moment.random) }
}

function beginWatch(state: RegistrationState, from: string): RegistrationState {
  if (state.watch.step !== 'none') return state
  return { ...state, watch: { ...state.watch, step: 'broken', from, until: -Infinity } }
}

/** One that has run well begins again at once. */
function breakWatch(
  state: RegistrationState,
  step: 'broken' | 'overtaken',
  error: LabError,
  { at, random }: Moment,
): RegistrationState {
  const { watch } = state
  const failures = at - watch.startedAt > calmMs ? 0 : watch.failures + 1
  const until = error.code === 'CLOSED' ? Infinity : at + backoffMs(failures, random)
  return { ...state, watch: { ...watch, step, failures, until } }
}

function end(state: RegistrationState, before: readonly RegistrationCommand[]): Turn {
  const unwatch: readonly RegistrationCommand[] =
    state.watch.step === 'watching' ? [{ do: 'unwatch' }] : []
  const abort: readonly RegistrationCommand[] = state.task?.do === 'put' ? [{ do: 'abort' }] : []
  return [{ ...state, phase: 'ended' }, [...before, ...abort, ...unwatch, { do: 'end' }]]
}

function keepWatch(state: RegistrationState, { at }: Moment): Turn {
  const { watch } = state
  if (at < watch.until) return [state, []]
  if (watch.step === 'broken') {
    const watching: OwnWatch = { ...watch, step: 'watching', startedAt: at }
    return [{ ...state, watch: watching }, [{ do: 'watch', from: watch.from }]]
  }
  if (watch.step !== 'overtaken') return [state, []]
  const looking: OwnWatch = { ...watch, step: 'looking', startedAt: at, knownAt: state.seenAt }
  return [{ ...state, watch: looking }, [{ do: 'look' }]]
}

function proceed(state: RegistrationState, moment: Moment): Turn {
  if (state.task !== null) return [state, []]
  if (state.removal !== null) return remove(state, state.removal, moment)
  const { wanted } = state
  if (wanted === null) return [state, []]
  const step = planStep({
    wanted,
    lease: state.lease,
    holdsFormer: state.former.length > 0,
    ownLeases: state.ownLeases,
    key: state.seen,
    claim: state.claim,
  })
  if (step === 'rest' || step === 'yield')
    return [
      { ...state, claim: false, phase: resting[step] },
      [{ do: 'settle', registered: step === 'rest' }],
    ]
  const [ready, told] = state.phase === 'working' ? [state, []] : leaveRest(state, moment)
  if (moment.at < ready.notBefore) return [ready, told]
  const task = toTask(ready, wanted, step)
  return [{ ...ready, task }, [...told, task]]
}

function leaveRest(state: RegistrationState, moment: Moment): Turn {
  const isContested = moment.at - state.putAt < calmMs
  const losses = isContested ? state.losses + 1 : 1
  const reason: LossReason = state.seen === null ? 'key-lost' : 'key-changed'
  const next: RegistrationState = {
    ...delay(state, losses, moment),
    losses,
    phase: 'working',
  }
  // A lease that is gone, or to be left, is not a loss of the key.
  const keepsLease = state.lease !== null && !state.lease.isRetired
  return [next, keepsLease ? [{ do: 'tell-lost', reason }] : []]
}

function toTask(
  { lease, former, seen, seenAt }: RegistrationState,
  { value, ttlSeconds }: Wanted,
  step: Exclude<Step, 'rest' | 'yield'>,
): Task {
  switch (step) {
    case 'join':
      return { do: 'join', ttlSeconds }
    case 'put':
      return {
        do: 'put',
        value,
        lease: lease?.id ?? '0',
        expect: seen?.modRevision ?? '0',
        knownAt: seenAt,
      }
    case 'leave-former':
      return { do: 'leave', lease: former[0] ?? '0' }
  }
}

/**
 * The last user of a lease revokes it, and the key goes with it; else the key goes alone. A put that
 * was sent to a frozen member is executed when that member wakes, which may be long after: as long
 * as its lease lives, what it brings back is removed again.
 */
function remove(state: RegistrationState, removal: Removal, { at }: Moment): Turn {
  if (at < state.notBefore) return [state, []]
  const lease = state.lease?.id ?? state.former[0]
  if (lease !== undefined) return begin(state, { do: 'leave', lease })
  const [dirty] = removal.toClean
  if (dirty !== undefined) return begin(state, { do: 'delete', lease: dirty })
  const settle: RegistrationCommand = { do: 'settle', registered: false }
  if (removal.guarded.length === 0) return end(state, [settle])
  const back = state.seen?.lease
  if (back !== undefined && removal.guarded.includes(back))
    return begin(state, { do: 'delete', lease: back })
  return [{ ...state, phase: 'removed' }, [settle]]
}

function begin(state: RegistrationState, task: Task): Turn {
  return [{ ...state, task }, [task]]
}

function planWake(state: RegistrationState, { at }: Moment): readonly RegistrationCommand[] {
  const isBusy = state.phase === 'working' || state.phase === 'removed'
  const waits = isBusy && state.task === null ? [state.notBefore] : []
  const { step, until } = state.watch
  const ends = step === 'broken' || step === 'overtaken' ? [...waits, until] : waits
  const next = Math.min(...ends.filter((end) => end > at))
  return Number.isFinite(next) ? [{ do: 'wake', at: next }] : []
}
