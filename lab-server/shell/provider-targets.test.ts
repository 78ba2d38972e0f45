import { describe, expect, test } from 'vitest'
import type { Provider, ProviderState } from '../providers/provider-control.ts'
import { findTargets } from './provider-targets.ts'

function provider(name: string, service: string, state: ProviderState = 'running'): Provider {
  const [id = '', version = '1.0'] = service.split(':')
  const address = `127.0.0.1:4000${name.slice(1)}`
  const usual = { weight: 100, ttlSeconds: 10, address, state }
  return { name, service: { name: id, version }, ...usual }
}

const providers = [
  provider('p1', 'UserService'),
  provider('p2', 'UserService', 'paused'),
  provider('p3', 'UserService:2.0'),
  provider('p4', 'p1'),
]
const running: ReadonlySet<ProviderState> = new Set(['running'])
const find = (text: string) => findTargets(text, providers, running)

describe('a target', () => {
  test.each([
    ['p2', ['p2']],
    ['127.0.0.1:40003', ['p3']],
  ])('%s is one provider, in whatever state', (text, names) => {
    expect(find(text)).toEqual(names)
  })

  test.each([
    ['UserService', ['p1']],
    ['UserService:2.0', ['p3']],
    ['p1:1.0', ['p4']],
    ['all', ['p1', 'p3', 'p4']],
  ])('%s is every provider of it whose state allows it', (text, names) => {
    expect(find(text)).toEqual(names)
  })

  test('that nobody is says who there is, and who might be meant', () => {
    expect(() => find('p9')).toThrow(/^There is no provider p9\. Running: p1, p2, p3, p4\.$/)
    expect(() => find('UserServic')).toThrow('Did you mean UserService?')
    expect(() => find('127.0.0.1:8080')).toThrow('There is no provider 127.0.0.1:8080')
    expect(() => findTargets('p1', [], running)).toThrow('No provider runs.')
  })

  test('all of none is none', () => {
    expect(findTargets('all', [], running)).toEqual([])
  })
})
