import { describe, expect, it } from 'vitest'
import { LabError } from '../../../protocol/index.ts'
import { RegistrarCore, type Effect } from './registrar-core.ts'
import type { Moment } from './registration-state.ts'

const key = '/rpc/S:1.0/h:1'
const ttlSeconds = 3600

function at(ms: number): Moment {
  return { at: ms, random: () => 0.5 }
}

function names(effects: readonly Effect[]): string[] {
  return effects.map((effect) => effect.do)
}

/** One registration that stands in etcd since the revision 5, and its lease. */
function registered(): { core: RegistrarCore; lease: string } {
  const core = new RegistrarCore()
  core.tell(key, { type: 'wish', wanted: { value: 'v', ttlSeconds } }, at(0))
  core.tellLeases({ type: 'granted', asked: ttlSeconds, ttlSeconds }, at(1))
  core.tell(key, putAnswered('5'), at(2))
  const [lease] = core.leaseIds()
  if (lease === undefined) throw new Error('there is no lease')
  return { core, lease }
}

function putAnswered(revision: string) {
  return { type: 'put-answered', succeeded: true, revision, found: null, tookMs: 1 } as const
}

describe('a registration', () => {
  it('does not take the answer to its predecessor for one of its own', () => {
    const { core, lease } = registered()
    const error = new LabError('COMPACTED', 'too old')
    expect(names(core.tell(key, { type: 'watch-ended', error }, at(20_000)))).toContain('look')
    core.tell(key, { type: 'wish', wanted: null }, at(20_001))
    expect(names(core.tellLeases({ type: 'revoked', lease, key }, at(20_002)))).toContain('end')
    core.tell(key, { type: 'wish', wanted: { value: 'w', ttlSeconds } }, at(20_003))
    core.tellLeases({ type: 'granted', asked: ttlSeconds, ttlSeconds }, at(20_004))
    expect(names(core.tell(key, putAnswered('9'), at(20_005)))).toContain('watch')
    const late = core.tell(key, { type: 'looked', key: null, revision: '6' }, at(20_006))
    expect(names(late)).not.toContain('watch')
    const failed = core.tell(key, { type: 'look-failed', error }, at(20_007))
    expect(names(failed)).not.toContain('trouble')
  })
})

describe('a release', () => {
  it('revokes until etcd has confirmed it, however long the lease would live', () => {
    const { core, lease } = registered()
    expect(names(core.tell(key, { type: 'wish', wanted: null }, at(1000)))).toEqual(['revoke'])
    const error = new LabError('TIMEOUT', 'no answer')
    const failed = core.tellLeases({ type: 'revoke-failed', lease, key, error }, at(11_000))
    expect(names(failed)).toEqual(['reject', 'trouble', 'wake'])
    expect(core.tell(key, { type: 'woke' }, at(30_000))).toEqual([{ do: 'revoke', lease, key }])
    const done = core.tellLeases({ type: 'revoked', lease, key }, at(30_001))
    expect(names(done)).toEqual(['settle', 'unwatch', 'end'])
    expect(core.leaseIds()).toEqual([])
  })
})
