import { describe, expect, it } from 'vitest'
import type { LabState } from '../../protocol/index.ts'
import type { ClientState } from './lab-client.ts'
import { idleWarning, retryIn, situationOf } from './lab-situation.ts'

const lab: LabState = {
  phase: 'ready',
  reason: null,
  error: null,
  progress: { membersUp: 3, membersTotal: 3, leader: 'etcd1', elapsedMs: 900 },
  idleEndsInMs: 30 * 60_000,
}
const state: ClientState = {
  connection: 'open',
  server: null,
  lab: null,
  labAt: 0,
  error: null,
  errorAt: 0,
  creating: false,
}

describe('the situation of a lab', () => {
  it('follows the phase of the lab while the connection is open', () => {
    expect(situationOf(state)).toBe('none')
    expect(situationOf({ ...state, creating: true })).toBe('creating')
    expect(situationOf({ ...state, lab: { ...lab, phase: 'starting' } })).toBe('starting')
    expect(situationOf({ ...state, lab })).toBe('ready')
  })

  it('is lost when the connection is, but a lab that is known to be gone stays gone', () => {
    expect(situationOf({ ...state, connection: 'lost', lab })).toBe('lost')
    expect(situationOf({ ...state, connection: 'lost', lab: { ...lab, phase: 'gone' } })).toBe(
      'gone',
    )
  })

  it('is absent where no lab server is, whatever was known before', () => {
    expect(situationOf({ ...state, connection: 'absent', lab })).toBe('absent')
  })

  it('warns in the last five minutes of the idle time only', () => {
    expect(idleWarning({ ...state, lab }, 0)).toBeNull()
    expect(idleWarning({ ...state, lab }, 26 * 60_000)).toBe(4 * 60_000)
    expect(idleWarning({ ...state, lab }, 99 * 60_000)).toBe(0)
    expect(idleWarning({ ...state, lab: { ...lab, idleEndsInMs: null } }, 0)).toBeNull()
  })

  it('warns at half of a short idle time', () => {
    const server = {
      version: '0.1.0',
      boot: 'b',
      etcdVersion: '3.5.30',
      etcdOutdated: false,
      etcdFloor: '3.5.33',
      idleMinutes: 2,
    }
    const short = { ...state, server, lab: { ...lab, idleEndsInMs: 120_000 } }
    expect(idleWarning(short, 50_000)).toBeNull()
    expect(idleWarning(short, 70_000)).toBe(50_000)
  })

  it('counts down to the next try', () => {
    const error = { code: 'LAB_LIMIT', message: '', details: { retryAfterMs: 42_000 } } as const
    expect(retryIn({ ...state, error, errorAt: 1000 }, 3000)).toBe(40_000)
    expect(retryIn({ ...state, error, errorAt: 1000 }, 90_000)).toBe(0)
    expect(retryIn(state, 0)).toBe(0)
  })
})
