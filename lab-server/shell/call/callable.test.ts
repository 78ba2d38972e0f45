import { expect, test } from 'vitest'
import type { ServiceInstance } from '../../registry/registry.ts'
import { callable, dialAddress, weightOf } from './callable.ts'

function instance(extra?: Readonly<Record<string, unknown>>): ServiceInstance {
  return {
    serviceName: 'S',
    serviceVersion: '1.0',
    serviceHost: '127.0.0.1',
    servicePort: 8080,
    serviceGroup: 'default',
    ...(extra && { extra }),
  }
}

const found = (one: ServiceInstance) => ({ instance: one, key: 'k', revision: '1', lease: '1' })

test('an instance that is draining takes no call; any other does', () => {
  const all = [{}, { draining: true }, { draining: 'yes' }, undefined].map((extra) =>
    instance(extra),
  )
  expect(callable(all.map(found))).toEqual([all[0], all[2], all[3]])
})

test('the address is what was registered, to the letter', () => {
  expect(dialAddress(instance())).toBe('127.0.0.1:8080')
  expect(dialAddress({ ...instance(), serviceHost: 'http://127.0.0.1' })).toBe(
    'http://127.0.0.1:8080',
  )
})

test.each([
  ['what it says', { weight: 7 }, 7],
  ['nothing, if it says so', { weight: 0 }, 0],
  ['the usual when it says a negative number', { weight: -1 }, 100],
  ['the usual when it says a text', { weight: '7' }, 100],
  ['the usual when it says a number beyond all numbers', { weight: 10n ** 30n }, 100],
  ['the usual when it says something else', {}, 100],
  ['the usual when it says nothing', undefined, 100],
])('an instance weighs %s', (_, extra, weight) => {
  expect(weightOf(instance(extra))).toBe(weight)
})
