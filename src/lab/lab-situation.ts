import type { ClientState } from './lab-client.ts'

/**
 * What the reader's lab is doing, out of everything the client knows. `absent`: no lab server;
 * `none`: there is one, but no lab yet; `silent`: the server does not answer just now.
 */
export type Situation =
  | 'absent'
  | 'none'
  | 'connecting'
  | 'creating'
  | 'starting'
  | 'ready'
  | 'ending'
  | 'gone'
  | 'lost'
  | 'refused'

export function situationOf(state: ClientState): Situation {
  if (state.connection === 'absent') return 'absent'
  if (state.connection === 'refused') return 'refused'
  if (state.creating) return 'creating'
  if (state.connection === 'lost' && state.lab?.phase !== 'gone') return 'lost'
  if (state.lab) return state.lab.phase
  return state.connection === 'connecting' ? 'connecting' : 'none'
}

/** The reader is warned when this much of the idle time is left, or half of it where it is short. */
const warnMs = 5 * 60_000

/** Milliseconds until the lab ends by itself, when that is soon; null when it is not. */
export function idleWarning(state: ClientState, now: number): number | null {
  const { lab, labAt, server } = state
  if (lab?.phase !== 'ready' || lab.idleEndsInMs === null) return null
  const left = lab.idleEndsInMs - (now - labAt)
  const warnBefore = Math.min(warnMs, (server?.idleMinutes ?? 30) * 30_000)
  return left < warnBefore ? Math.max(0, left) : null
}

/** Milliseconds until another try makes sense after `LAB_LIMIT` or `RATE_LIMIT`; 0 = now. */
export function retryIn(state: ClientState, now: number): number {
  const after = state.error?.details['retryAfterMs']
  if (typeof after !== 'number') return 0
  return Math.max(0, after - (now - state.errorAt))
}
