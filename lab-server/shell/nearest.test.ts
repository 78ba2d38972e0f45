import { describe, expect, test } from 'vitest'
import { editDistance, nearest, nearestName } from './nearest.ts'

describe('edit distance', () => {
  test.each([
    ['', '', 0],
    ['kill', 'kill', 0],
    ['kil', 'kill', 1],
    ['klil', 'kill', 1],
    ['watch', 'match', 1],
    ['start', 'stop', 3],
    ['', 'abc', 3],
  ])('%j and %j differ by %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance)
    expect(editDistance(b, a)).toBe(distance)
  })
})

describe('nearest', () => {
  const commands = ['register', 'deregister', 'discover', 'kill', 'watch', 'cluster', 'help']

  test.each([
    ['regsiter', 'register'],
    ['Register', 'register'],
    ['discovery', 'discover'],
    ['klil', 'kill'],
    ['clus', 'cluster'],
    ['ls', null],
    ['xyzzy', null],
    ['', null],
    ['x'.repeat(1000), null],
  ])('%j suggests %j', (word, expected) => {
    expect(nearest(word, commands)).toBe(expected)
  })
})

describe('nearest name', () => {
  const names = ['etcd1', 'etcd2', 'etcd3', 'leader', 'p1', 'UserService', 'UserService']

  test.each([
    ['etdc1', 'etcd1'],
    ['lader', 'leader'],
    ['P1', 'p1'],
    ['UserServic', 'UserService'],
    ['etcd9', null],
    ['p3', null],
    ['p12', null],
    ['etcd', null],
    ['etcdx', null],
  ])('%j suggests %j: neither another number nor one of several', (word, expected) => {
    expect(nearestName(word, names)).toBe(expected)
  })
})
