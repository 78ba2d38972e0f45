import { describe, expect, test } from 'vitest'
import { planStep, type Situation } from './registration-plan.ts'

const registered: Situation = {
  wanted: { value: 'v', ttlSeconds: 30 },
  lease: { id: '7', askedTtl: 30, isRetired: false },
  holdsFormer: false,
  ownLeases: ['7'],
  key: { modRevision: '5', lease: '7', value: 'v' },
  claim: false,
}
const lease = (id: string, isRetired = false) => ({ id, askedTtl: 30, isRetired })
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
      { lease: lease('8'), ownLeases: ['7', '8'] },
      'put',
    ],
    ['yields to another living owner', key('99'), 'yield'],
    ['yields even when that owner wrote the same value', key('99', 'v'), 'yield'],
    [
      'takes the key from its last owner when it was just asked to',
      { ...key('99'), claim: true },
      'put',
    ],
    ['leaves a retired lease for another', { lease: lease('7', true) }, 'join'],
    ['changes the lease when the TTL changed', { wanted: { value: 'v', ttlSeconds: 10 } }, 'join'],
    [
      'leaves the former lease only when the key has left it',
      { holdsFormer: true, lease: lease('8'), ownLeases: ['7', '8'] },
      'put',
    ],
    [
      'leaves the former lease before it yields',
      { ...key('99'), holdsFormer: true },
      'leave-former',
    ],
    ['then leaves the former lease', { holdsFormer: true }, 'leave-former'],
  ])('%s', (_title, change, step) => {
    expect(planStep({ ...registered, ...change })).toBe(step)
  })
})
