import { describe, expect, test } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { checkInstance, checkServiceId } from './instance.ts'

const sound = { serviceName: 'UserService', serviceHost: 'localhost', servicePort: 8080 }

describe('an instance before it is registered', () => {
  test('gets version, group and IPv6 brackets', () => {
    expect(checkInstance({ ...sound, serviceHost: 'fe80::1', extra: {} })).toEqual({
      serviceName: 'UserService',
      serviceVersion: '1.0',
      serviceHost: '[fe80::1]',
      servicePort: 8080,
      serviceGroup: 'default',
    })
  })

  test('is refused with every problem at once', () => {
    const refuse = () =>
      checkInstance({
        serviceName: 'a/b',
        serviceVersion: '1:0',
        serviceHost: 'h h',
        servicePort: 0,
        serviceGroup: 'g\n',
        extra: { service_port: 1, serviceKey: 'x' },
      })
    expect(refuse).toThrow(LabError)
    expect(refuse).toThrow(
      [
        'not registered: serviceName is "a/b", expected no "/", which separates the parts of the key',
        'serviceVersion is "1:0", expected no ":", which separates the parts of the key',
        'serviceHost holds U+0020, expected no white space and no invisible character',
        'servicePort is 0, expected a whole number from 1 to 65535',
        'serviceGroup holds U+000A, expected no white space and no invisible character',
        'extra holds service_port, serviceKey, expected only fields that the wire format does not define',
      ].join('; '),
    )
  })

  test.each([
    [{ ...sound, servicePort: 8080.5 }, 'servicePort is 8080.5'],
    [{ ...sound, servicePort: '8080' as unknown as number }, 'servicePort is "8080"'],
    [{ ...sound, serviceName: undefined as unknown as string }, 'serviceName is missing'],
    [
      { ...sound, serviceHost: 'h'.repeat(254) },
      'serviceHost has 254 characters, expected at most 253',
    ],
    [{ ...sound, serviceHost: 'http://h' }, 'serviceHost is "http://h"'],
    [{ ...sound, extra: { big: 'x'.repeat(70_000) } }, 'expected at most 65536'],
  ])('%o is refused', (input, why) => {
    expect(() => checkInstance(input)).toThrow(why)
  })
})

describe('a service to look up', () => {
  test('may have a name that only a Java provider would use', () => {
    const id = { name: 'a/b c', version: '1.0' }
    expect(checkServiceId(id)).toEqual(id)
  })

  test.each([
    { name: '', version: '1.0' },
    { name: 'S', version: '' },
    { name: '\udc00', version: '1' },
    { name: 'x'.repeat(2000), version: '1' },
  ])('$name:$version is refused', (id) => {
    expect(() => checkServiceId(id)).toThrow('expected a name and a version')
  })
})
