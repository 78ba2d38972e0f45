import { expect, test } from 'vitest'
import type { KeyRange } from './etcd-calls.ts'
import { KeySpace } from './key-space.ts'
import { toKeyRange } from './wire.ts'

const space = new KeySpace('/a/')

function inEtcd(range: KeyRange, from = space): string[] {
  const { key, range_end: end } = toKeyRange(from.range(range))
  return [key.toString(), ...(end === undefined ? [] : [end.toString()])]
}

test('a range stays within the space', () => {
  expect(inEtcd({ key: 'k' })).toEqual(['/a/k'])
  expect(inEtcd({ prefix: 'k' })).toEqual(['/a/k', '/a/l'])
  expect(inEtcd({ prefix: '' })).toEqual(['/a/', '/a0'])
  expect(inEtcd({ from: 'b', to: 'c' })).toEqual(['/a/b', '/a/c'])
  expect(inEtcd({ from: 'b', to: '\0' })).toEqual(['/a/b', '/a0'])
})

test('without a prefix nothing changes', () => {
  const whole = new KeySpace('')
  expect(inEtcd({ prefix: '' }, whole)).toEqual(['\0', '\0'])
  expect(inEtcd({ from: 'b', to: '\0' }, whole)).toEqual(['b', '\0'])
})

test('of the keys of a lease only its own are known', () => {
  const keys = ['/a/x', '/b/x', '/a', '/a/'].map((key) => Buffer.from(key))
  expect(space.own(keys).map(String)).toEqual(['x', ''])
})
