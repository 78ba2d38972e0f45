import { describe, expect, test } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { checkInstance } from './instance.ts'
import { describeRefusal, readRefusal } from './instance-problem.ts'
import { parseAddress, parseServiceId } from './service-key.ts'

function refusalOf(act: () => unknown): LabError {
  try {
    act()
  } catch (error) {
    if (error instanceof LabError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('the details of a refused instance', () => {
  test('name the kind of the problem, its field and its facts', () => {
    expect(refusalOf(() => parseServiceId('a/b')).details).toEqual({
      subject: 'service',
      text: 'a/b',
      kind: 'separator',
      field: 'name',
      value: 'a/b',
      separator: '/',
    })
    expect(refusalOf(() => parseAddress('h:0')).details).toEqual({
      subject: 'address',
      text: 'h:0',
      kind: 'not-port',
      min: 1,
      max: 65535,
    })
  })

  test('hold every problem, and lead back to the same message', () => {
    const error = refusalOf(() =>
      checkInstance({
        serviceName: 'a/b',
        serviceVersion: '',
        serviceHost: '[x]',
        servicePort: Number.NaN,
        serviceGroup: 'g\n',
        extra: { serviceKey: 'x' },
      }),
    )
    expect(error.details).toMatchObject({ kind: 'separator', kind2: 'empty', kind6: 'reserved' })
    const refusal = readRefusal(error.details)
    expect(refusal?.problems.map(({ kind }) => kind)).toEqual([
      'separator',
      'empty',
      'not-ipv6',
      'not-in-range',
      'invisible',
      'reserved',
    ])
    expect(refusal && describeRefusal(refusal)).toBe(error.message)
  })

  test('keep only the beginning of a long text', () => {
    const { details } = refusalOf(() => parseAddress('h'.repeat(5000)))
    expect(details['text']).toBe(`${'h'.repeat(80)}…`)
  })

  test.each<LabError['details']>([
    {},
    { subject: 'service', text: 'a' },
    { subject: 'service', text: 'a', kind: 'unheard-of' },
    { subject: 'service', text: 'a', kind: 'empty', field: 'colour' },
    { subject: 'service', text: 'a', kind: 'empty', field: 'name', kind2: 'empty' },
  ])('%j name no refusal', (details) => {
    expect(readRefusal(details)).toBeNull()
  })
})
