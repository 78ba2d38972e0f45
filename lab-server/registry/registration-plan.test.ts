import { describe, expect, test } from 'vitest'
import { planStep, type Situation } from './registration-plan.ts'

const registered: Situation = {
  wanted: { value: 'v', ttlSeconds: 30 },
  lease: { id: '7', askedTtl: 30 },
  holdsFormer: false,
  ownLeases: ['7'],
  key: { modRevision: '5', lease: '7', value: 'v' },
  claim: false,
}
const key = (lease: string, value = 'v') => ({ key: { modRevision: '6', lease, value } })

describe('a registration', () => {
  test.each<[string, Partial<Situation>, string]>([
    ['whose key is as wanted rests', {}, 'rest'],
    ['without a lease gets one', { lease: null, key: null }, 'join'],
    ['whose key is gone puts it back', { key: null }, 'put'],
    ['whose value was edited under its own lease puts it back', key('7', 'edited'), 'put'],
    ['whose key was overwritten without a lease puts it back', key('0'), 'put'],
    [
      'whose key is still on a lease that was lost puts it on the new one',
      { lease: { id: '8', askedTtl: 30 }, ownLeases: ['7', '8'] },
      'put',
    ],
    ['yields to another living owner', key('99'), 'yield'],
    ['yields even when that owner wrote the same value', key('99', 'v'), 'yield'],
    [
      'takes the key from its last owner when it was just asked to',
      { ...key('99'), claim: true },
      'put',
    ],
    ['changes the lease when the TTL changed', { wanted: { value: 'v', ttlSeconds: 10 } }, 'join'],
    [
      'leaves the former lease only when the key has left it',
      { holdsFormer: true, lease: { id: '8', askedTtl: 30 }, ownLeases: ['7', '8'] },
      'put',
    ],
    ['then leaves the former lease', { holdsFormer: true }, 'leave-former'],
    ['that was released removes its key', { wanted: null }, 'remove'],
    [
      'that was released before it had anything removes nothing but says so',
      { wanted: null, lease: null, key: null, ownLeases: [] },
      'remove',
    ],
  ])('%s', (_title, change, step) => {
    expect(planStep({ ...registered, ...change })).toBe(step)
  })
})
