import { describe, expect, test } from 'vitest'
import { LabError } from '../../../protocol/index.ts'
import {
  reduceRegistration,
  startRegistration,
  type RegistrationCommand,
  type RegistrationEvent,
} from './registration-state.ts'

const lease = { id: '7', askedTtl: 30, isRetired: false }

/** A registration on a clock that moves only when it is told to, with the longest of all pauses. */
function begin() {
  let state = startRegistration('/rpc/S:1.0/h:1')
  let at = 0
  const tell = (event: RegistrationEvent): readonly RegistrationCommand[] => {
    const [next, commands] = reduceRegistration(state, event, { at, random: () => 0.999 })
    state = next
    return commands
  }
  return {
    tell,
    pass: (ms: number) => void (at += ms),
    /** Milliseconds until the next step; 0 = at once. */
    pause: () => Math.max(state.notBefore - at, 0),
  }
}

const answered = (revision: string): RegistrationEvent => {
  return { type: 'put-answered', succeeded: true, revision, found: null, tookMs: 1 }
}
const gone = (revision: string): RegistrationEvent => ({ type: 'seen', key: null, revision })

describe('how long a registration waits', () => {
  test('ever longer while calls fail, up to ten seconds', () => {
    const one = begin()
    one.tell({ type: 'wish', wanted: { value: 'v', ttlSeconds: 30 } })
    one.tell({ type: 'joined', lease })
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8].map(() => {
      one.tell({ type: 'failed', error: new LabError('TIMEOUT', 'no answer') })
      const pause = one.pause()
      one.pass(pause)
      one.tell({ type: 'woke' })
      return pause
    })
    expect(pauses.map((ms) => Math.round(ms / 100) * 100)).toEqual([
      200, 400, 800, 1600, 3200, 6400, 10_000, 10_000,
    ])
  })

  test('hardly at all for a key that is lost right after an outage', () => {
    const one = begin()
    one.tell({ type: 'wish', wanted: { value: 'v', ttlSeconds: 30 } })
    one.tell({ type: 'joined', lease })
    for (let failures = 0; failures < 8; failures += 1) {
      one.tell({ type: 'failed', error: new LabError('TIMEOUT', 'no answer') })
      one.pass(one.pause())
      one.tell({ type: 'woke' })
    }
    one.tell(answered('5'))
    one.pass(1000)
    one.tell(gone('6'))
    expect(one.pause()).toBeLessThanOrEqual(200)
  })

  test('ever longer for a key that is lost again as soon as it is back, until it is left alone', () => {
    const one = begin()
    one.tell({ type: 'wish', wanted: { value: 'v', ttlSeconds: 30 } })
    one.tell({ type: 'joined', lease })
    one.tell(answered('5'))
    const pauses = [6, 8, 10, 12].map((revision) => {
      one.tell(gone(String(revision)))
      const pause = one.pause()
      one.pass(pause)
      one.tell({ type: 'woke' })
      one.tell(answered(String(revision + 1)))
      return pause
    })
    expect(pauses.map((ms) => Math.round(ms / 100) * 100)).toEqual([200, 400, 800, 1600])
    one.pass(60_000)
    one.tell(gone('14'))
    expect(one.pause()).toBeLessThanOrEqual(200)
  })
})
