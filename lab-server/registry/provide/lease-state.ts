import type { LabError } from '../../../protocol/index.ts'
import {
  afterFailure,
  afterSuccess,
  isFresh,
  startRenewal,
  type Renewal,
} from '../../etcd/renewal.ts'
import type { HeldLease } from './registration-plan.ts'
import type { Moment } from './registration-state.ts'

/**
 * The leases of one process as a pure state machine: one for each TTL as long as it has fewer than a
 * thousand keys, renewed while it has users, revoked with the last.
 */
export interface LeasesState {
  readonly leases: ReadonlyMap<string, LeaseState>
  /** By the TTL that was asked for. */
  readonly grants: ReadonlyMap<number, Grant>
}

export interface LeaseState extends HeldLease {
  readonly users: number
  readonly renewal: Renewal
  /** A renewal is under way. */
  readonly isRenewing: boolean
}

/** On the way to a lease of one TTL. */
interface Grant {
  /** Keys, in the order in which they asked. */
  readonly waiting: readonly string[]
  /** The id of the last grant that was not confirmed; etcd may have it. Null = there is none. */
  readonly doubtful: string | null
  /** What is under way; null = nothing. */
  readonly step: 'grant' | 'revoke-doubtful' | null
}

export type LeaseEvent =
  | { readonly type: 'join'; readonly key: string; readonly ttlSeconds: number }
  /** Gives a share back; asked again after a failure, it tries again. */
  | { readonly type: 'leave'; readonly key: string; readonly lease: string }
  | { readonly type: 'granted'; readonly asked: number; readonly ttlSeconds: number }
  | { readonly type: 'grant-failed'; readonly asked: number; readonly error: LabError }
  | { readonly type: 'doubt-revoked'; readonly asked: number }
  | { readonly type: 'revoked'; readonly lease: string; readonly key: string }
  | {
      readonly type: 'revoke-failed'
      readonly lease: string
      readonly key: string
      readonly error: LabError
    }
  | { readonly type: 'renewed'; readonly lease: string; readonly askedAt: number }
  | { readonly type: 'renew-failed'; readonly lease: string; readonly error: LabError }
  /** etcd does not know it. */
  | { readonly type: 'lost'; readonly lease: string }
  /** Keys may be on it that nobody here looks after. It is revoked when its users have left it. */
  | { readonly type: 'suspect'; readonly lease: string }
  | { readonly type: 'woke' }

export type LeaseCommand =
  | { readonly do: 'grant'; readonly lease: string; readonly ttlSeconds: number }
  | { readonly do: 'revoke-doubtful'; readonly lease: string; readonly asked: number }
  | { readonly do: 'revoke'; readonly lease: string; readonly key: string }
  | { readonly do: 'renew'; readonly lease: string; readonly deadlineMs: number }
  /** Replaces an earlier one. */
  | { readonly do: 'wake'; readonly at: number }
  | { readonly do: 'trouble'; readonly error: LabError }
  | { readonly do: 'tell'; readonly key: string; readonly news: LeaseNews }
  /** etcd does not have it any more, though it was in use. */
  | { readonly do: 'count-lost'; readonly lease: string }
  /** etcd does not have it any more: it is lost, or revoked for the last of its users. */
  | { readonly do: 'ended'; readonly lease: string }
  /** Its users are to leave it. */
  | { readonly do: 'retired'; readonly lease: string }

/** What a user hears of what it asked for. */
export type LeaseNews =
  | { readonly type: 'joined'; readonly lease: HeldLease; readonly ttlSeconds: number }
  | { readonly type: 'left'; readonly lease: string; readonly revoked: boolean }
  | { readonly type: 'failed'; readonly error: LabError }

type Turn = readonly [LeasesState, readonly LeaseCommand[]]

/** etcd checks every key of a lease when it ends; beyond this that takes noticeable time. */
export const mostKeys = 1000

export const noLeases: LeasesState = { leases: new Map(), grants: new Map() }

export function reduceLeases(state: LeasesState, event: LeaseEvent, moment: Moment): Turn {
  const [heard, commands] = hear(state, event, moment)
  const [next, renewals] = renewWhatIsDue(heard, moment)
  return [next, [...commands, ...renewals, ...planWake(next)]]
}

/** Every id that etcd may know. */
export function leaseIds({ leases, grants }: LeasesState): readonly string[] {
  const doubtful = [...grants.values()].map((grant) => grant.doubtful)
  return [...leases.keys(), ...doubtful.filter((id) => id !== null)]
}

/** False when it is lost, given up, or was not renewed for a whole TTL. */
export function isLeaseFresh({ leases }: LeasesState, id: string, at: number): boolean {
  const lease = leases.get(id)
  return lease !== undefined && lease.users > 0 && isFresh(lease.renewal, at)
}

function hear(state: LeasesState, event: LeaseEvent, moment: Moment): Turn {
  switch (event.type) {
    case 'join':
      return join(state, event.key, event.ttlSeconds, moment)
    case 'leave':
      return leave(state, event)
    case 'granted':
      return onGranted(state, event, moment)
    case 'grant-failed':
      return onGrantFailed(state, event)
    case 'doubt-revoked':
      return grant(
        withGrant(state, event.asked, { doubtful: null, step: null }),
        event.asked,
        moment,
      )
    case 'revoked':
      return [
        withoutLease(state, event.lease),
        [
          { do: 'ended', lease: event.lease },
          tell(event.key, { type: 'left', lease: event.lease, revoked: true }),
        ],
      ]
    case 'revoke-failed':
      return [state, [tell(event.key, { type: 'failed', error: event.error })]]
    case 'renewed':
      return [onRenewed(state, event, moment), []]
    case 'renew-failed':
      return onRenewFailed(state, event, moment)
    case 'lost':
      return lose(state, event.lease)
    case 'suspect':
      return retire(state, event.lease)
    case 'woke':
      return [state, []]
  }
}

function join(state: LeasesState, key: string, asked: number, moment: Moment): Turn {
  const lease = [...state.leases.values()].find((each) => each.askedTtl === asked && hasRoom(each))
  if (lease !== undefined) return admit(state, lease, [key])
  const waiting = [...(state.grants.get(asked)?.waiting ?? []), key]
  return grant(withGrant(state, asked, { waiting }), asked, moment)
}

function hasRoom({ users, isRetired }: LeaseState): boolean {
  return !isRetired && users > 0 && users < mostKeys
}

function admit(state: LeasesState, lease: LeaseState, keys: readonly string[]): Turn {
  const { id, askedTtl, isRetired, renewal } = lease
  const { ttlSeconds } = renewal
  const news: LeaseNews = { type: 'joined', lease: { id, askedTtl, isRetired }, ttlSeconds }
  return [
    withLease(state, { ...lease, users: lease.users + keys.length }),
    keys.map((key) => tell(key, news)),
  ]
}

/** The next thing that leads to a lease, unless something is under way or nobody waits. */
function grant(state: LeasesState, asked: number, moment: Moment): Turn {
  const wish = state.grants.get(asked)
  if (wish?.step !== null) return [state, []]
  if (wish.waiting.length === 0) {
    return [wish.doubtful === null ? withoutGrant(state, asked) : state, []]
  }
  if (wish.doubtful !== null) {
    const next = withGrant(state, asked, { step: 'revoke-doubtful' })
    return [next, [{ do: 'revoke-doubtful', lease: wish.doubtful, asked }]]
  }
  const lease = newLeaseId(moment)
  const next = withGrant(state, asked, { step: 'grant', doubtful: lease })
  return [next, [{ do: 'grant', lease, ttlSeconds: asked }]]
}

/**
 * Any positive int64 that is free may be one, never 0, which would let etcd choose: 48 bits of chance
 * are enough and print short.
 */
function newLeaseId({ random }: Moment): string {
  return String(1 + Math.floor(random() * (2 ** 48 - 1)))
}

function onGranted(
  state: LeasesState,
  { asked, ttlSeconds }: Extract<LeaseEvent, { type: 'granted' }>,
  moment: Moment,
): Turn {
  const wish = state.grants.get(asked)
  if (wish === undefined || wish.doubtful === null) return [state, []]
  const renewal = startRenewal(ttlSeconds, moment.at, moment.random)
  const facts = { id: wish.doubtful, askedTtl: asked, isRetired: false }
  const lease: LeaseState = { ...facts, users: 0, renewal, isRenewing: false }
  const [admitted, news] = admit(state, lease, wish.waiting.slice(0, mostKeys))
  const waiting = wish.waiting.slice(mostKeys)
  const next = withGrant(admitted, asked, { waiting, doubtful: null, step: null })
  const [last, commands] = grant(next, asked, moment)
  return [last, [...news, ...commands]]
}

function onGrantFailed(
  state: LeasesState,
  { asked, error }: Extract<LeaseEvent, { type: 'grant-failed' }>,
): Turn {
  const waiting = state.grants.get(asked)?.waiting ?? []
  const next = withGrant(state, asked, { waiting: [], step: null })
  return [next, waiting.map((key) => tell(key, { type: 'failed', error }))]
}

function leave(
  state: LeasesState,
  { key, lease: id }: Extract<LeaseEvent, { type: 'leave' }>,
): Turn {
  const lease = state.leases.get(id)
  // It ended before: that is what was wanted.
  if (lease === undefined) return [state, [tell(key, { type: 'left', lease: id, revoked: true })]]
  const users = Math.max(lease.users - 1, 0)
  const next = withLease(state, { ...lease, users })
  if (users > 0) return [next, [tell(key, { type: 'left', lease: id, revoked: false })]]
  return [next, [{ do: 'revoke', lease: id, key }]]
}

function onRenewed(
  state: LeasesState,
  { lease: id, askedAt }: Extract<LeaseEvent, { type: 'renewed' }>,
  { random }: Moment,
): LeasesState {
  const lease = state.leases.get(id)
  if (lease === undefined) return state
  const renewal = afterSuccess(lease.renewal, askedAt, random)
  return withLease(state, { ...lease, renewal, isRenewing: false })
}

function onRenewFailed(
  state: LeasesState,
  { lease: id, error }: Extract<LeaseEvent, { type: 'renew-failed' }>,
  { at }: Moment,
): Turn {
  const lease = state.leases.get(id)
  if (lease === undefined) return [state, []]
  if (error.code === 'LEASE_LOST') return lose(state, id)
  const renewal = afterFailure(lease.renewal, error, at)
  return [withLease(state, { ...lease, renewal, isRenewing: false }), [{ do: 'trouble', error }]]
}

function lose(state: LeasesState, id: string): Turn {
  const lease = state.leases.get(id)
  if (lease === undefined || lease.users === 0) return [state, []]
  return [
    withoutLease(state, id),
    [
      { do: 'count-lost', lease: id },
      { do: 'ended', lease: id },
    ],
  ]
}

function retire(state: LeasesState, id: string): Turn {
  const lease = state.leases.get(id)
  if (lease === undefined || lease.isRetired) return [state, []]
  return [withLease(state, { ...lease, isRetired: true }), [{ do: 'retired', lease: id }]]
}

function renewWhatIsDue(state: LeasesState, { at }: Moment): Turn {
  const due = [...state.leases.values()].filter(
    (lease) => isRenewed(lease) && lease.renewal.nextAt <= at,
  )
  let next = state
  for (const lease of due) next = withLease(next, { ...lease, isRenewing: true })
  const commands = due.map(({ id, renewal }): LeaseCommand => {
    return { do: 'renew', lease: id, deadlineMs: renewal.ttlSeconds * 1000 }
  })
  return [next, commands]
}

function isRenewed({ users, isRenewing }: LeaseState): boolean {
  return users > 0 && !isRenewing
}

function planWake({ leases }: LeasesState): readonly LeaseCommand[] {
  const times = [...leases.values()].filter(isRenewed).map(({ renewal }) => renewal.nextAt)
  return times.length === 0 ? [] : [{ do: 'wake', at: Math.min(...times) }]
}

function tell(key: string, news: LeaseNews): LeaseCommand {
  return { do: 'tell', key, news }
}

function withLease(state: LeasesState, lease: LeaseState): LeasesState {
  return { ...state, leases: new Map(state.leases).set(lease.id, lease) }
}

function withoutLease(state: LeasesState, id: string): LeasesState {
  const leases = new Map(state.leases)
  leases.delete(id)
  return { ...state, leases }
}

function withGrant(state: LeasesState, asked: number, change: Partial<Grant>): LeasesState {
  const former = state.grants.get(asked) ?? { waiting: [], doubtful: null, step: null }
  return { ...state, grants: new Map(state.grants).set(asked, { ...former, ...change }) }
}

function withoutGrant(state: LeasesState, asked: number): LeasesState {
  const grants = new Map(state.grants)
  grants.delete(asked)
  return { ...state, grants }
}
