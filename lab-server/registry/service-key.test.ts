import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  instanceKey,
  isKeyOf,
  parseAddress,
  parseInstanceKey,
  parseServiceId,
  servicePrefix,
} from './service-key.ts'

describe('a service as a reader names it', () => {
  test.each([
    ['UserService:1.0', { name: 'UserService', version: '1.0' }],
    ['UserService', { name: 'UserService', version: '1.0' }],
    ['用户服务:2', { name: '用户服务', version: '2' }],
    ['com.ming.a.B$C:1.0', { name: 'com.ming.a.B$C', version: '1.0' }],
  ])('%s is understood', (text, id) => {
    expect(parseServiceId(text)).toEqual(id)
  })

  test.each([
    ['', 'the name is empty'],
    ['S:', 'the version is empty'],
    [':1.0', 'the name is empty'],
    ['S:1:0', 'there is more than one ":"'],
    ['a/b', 'the name is "a/b", expected no "/"'],
    ['a b', 'the name holds U+0020'],
    ['a\u202eb', 'the name holds U+202E'],
    ['S:1\u0000', 'the version holds U+0000'],
    ['\ud800', 'the name holds U+D800'],
    ['x'.repeat(256), 'the name has 256 characters, expected at most 255'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseServiceId(text)).toThrow(why)
    expect(() => parseServiceId(text)).toThrow('for example UserService:1.0')
  })
})

describe('an address as a reader writes it', () => {
  test.each([
    ['localhost:8080', 'localhost', 8080],
    ['10.0.0.7:1', '10.0.0.7', 1],
    ['[::1]:9000', '[::1]', 9000],
    ['user_svc-1.local:65535', 'user_svc-1.local', 65535],
  ])('%s is understood', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  test.each([
    ['localhost', 'the port is missing'],
    ['localhost:', 'the port should be a whole number from 1 to 65535'],
    ['localhost:0', 'the port should be'],
    ['localhost:65536', 'the port should be'],
    ['localhost:080', 'the port should be'],
    ['localhost:http', 'the port is missing'],
    [':8080', 'the host is empty'],
    ['::1:9000', 'an IPv6 address needs brackets'],
    ['[::1]', 'the port is missing'],
    ['[nonsense]:1', 'expected an IPv6 address in brackets'],
    ['[fe80::1%eth0]:1', 'expected an IPv6 address in brackets'],
    ['300.1.1.1:1', 'expected an IPv4 address'],
    ['http://h:1', 'no "http://"'],
    ['h h:1', 'the host holds U+0020'],
    ['主机:1', 'expected a host name'],
    ['-h:1', 'expected a host name'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseAddress(text)).toThrow(why)
    expect(() => parseAddress(text)).toThrow('for example 127.0.0.1:8080 or [::1]:8080')
  })
})

describe('a key', () => {
  test.each([
    ['/rpc/S:1.0/h:1', 'S', '1.0', 'h', 1],
    ['/rpc/S:1.0/[::1]:9000', 'S', '1.0', '[::1]', 9000],
    ['/rpc/S:1.0/::1:9000', 'S', '1.0', '::1', 9000],
    ['/rpc/a/d:1.0/h:1', 'a/d', '1.0', 'h', 1],
    ['/rpc/a\nb:1.0/h:1', 'a\nb', '1.0', 'h', 1],
  ])('%j leads back to its parts', (key, name, version, host, port) => {
    expect(parseInstanceKey(key)).toEqual({ service: { name, version }, host, port })
    expect(
      instanceKey({
        serviceName: name,
        serviceVersion: version,
        serviceHost: host,
        servicePort: port,
      }),
    ).toBe(key)
  })

  test.each([
    '/rpc/',
    '/rpc/S:1.0',
    '/rpc/S:1.0/',
    '/rpc/S/h:1',
    '/rpc/S:1.0/h',
    '/rpc/S:1.0/h:0',
    '/rpc/S:1.0/null:null',
    '/rpc/S:1.0/h:70000',
    '/other/S:1.0/h:1',
    '',
  ])('%j is no instance key', (key) => {
    expect(parseInstanceKey(key)).toBeNull()
  })

  test('the prefix of a service is no prefix of its longer namesakes', () => {
    const prefix = servicePrefix({ name: 'User', version: '1.0' })
    expect(prefix).toBe('/rpc/User:1.0/')
    expect('/rpc/UserService:1.0/h:1'.startsWith(prefix)).toBe(false)
    expect('/rpc/User:1.0.1/h:1'.startsWith(prefix)).toBe(false)
  })
  test('belongs to a service exactly when its parts say so', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ':', '/', '1', '0', '.', '\n'),
      maxLength: 9,
    })
    const part = text.filter((each) => each !== '')
    const outcomes = new Set<boolean>()
    const agrees = fc.property(part, part, text, (name, version, rest) => {
      const prefix = servicePrefix({ name, version })
      const key = `${prefix}${rest}`
      const parsed = parseInstanceKey(key)
      const belongs = parsed !== null && servicePrefix(parsed.service) === prefix
      outcomes.add(belongs)
      expect(isKeyOf(prefix, key)).toBe(belongs)
    })
    fc.assert(agrees, { numRuns: 5000 })
    expect(outcomes).toEqual(new Set([true, false]))
    expect(isKeyOf('/rpc/S:1.0/', '/rpc/S:1.0/h:65536')).toBe(false)
    expect(isKeyOf('/rpc/S:1.0/', '/rpc/T:1.0/h:1')).toBe(false)
  })
})
