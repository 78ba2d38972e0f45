import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeInstance, encodeInstance, readJavaValue, type JavaInstance } from './codec.ts'
import { checkInstance } from './instance.ts'
import { formatServiceId, instanceAddress, instanceKey, nodeKey } from './service-key.ts'

interface EncodeVector {
  readonly case: string
  readonly serviceKey: string
  readonly serviceNodeKey: string
  readonly etcdKey: string
  readonly address: string
  readonly value: string
}
interface DecodeVector {
  readonly case: string
  readonly input: string
  readonly parsed?: string
  readonly reencoded?: string
  readonly error?: string
}

const lines = readFileSync(new URL('../../tests/fixtures/java-vectors.jsonl', import.meta.url))
  .toString()
  .trim()
  .split('\n')
  .map((line): unknown => JSON.parse(line))
const encodeVectors = lines.filter(
  (line): line is EncodeVector => typeof line === 'object' && line !== null && 'value' in line,
)
const decodeVectors = lines.filter(
  (line): line is DecodeVector => typeof line === 'object' && line !== null && 'input' in line,
)

/** Values that Java reads and this codec refuses, and why. */
const stricterThanJava: Record<string, string> = {
  // Java wraps 99999999999 to 1215752191 without a word: no consumer could ever reach that.
  'port big': 'servicePort is the number 99999999999, expected a whole number of 32 bits',
  // Only a hand-made value looks like this. Refusing it shows the mistake.
  'single quotes': 'the value is not JSON',
  'trailing comma': 'the value is not JSON',
}

/** What Java writes and the codec reproduces, but `register` refuses, and why. */
const refusedByRegister: Record<string, RegExp> = {
  'unset host/port': /serviceHost is null.*servicePort is null/,
  'quote/backslash/slash': /serviceName is .* expected no "\/"/,
  control: /serviceName holds U\+0009/,
}

/** What `register` accepts but writes differently from Java, and how. */
const mendedByRegister: Record<string, string> = {
  // "S:1.0/::1:9000" does not say where the host ends.
  ipv6: '[::1]',
}

/** The fields an encode vector was made from, read from its own bytes; null where Java left one out. */
function javaInstance(value: string): JavaInstance {
  const json: unknown = JSON.parse(value)
  const absent = {
    serviceName: null,
    serviceVersion: null,
    serviceHost: null,
    servicePort: null,
    serviceGroup: null,
  }
  return Object.assign(absent, json)
}

function javaToString(java: JavaInstance): string {
  const { serviceName, serviceVersion, serviceHost, servicePort, serviceGroup } = java
  return `ServiceMetaInfo(serviceName=${serviceName}, serviceVersion=${serviceVersion}, serviceHost=${serviceHost}, servicePort=${servicePort}, serviceGroup=${serviceGroup})`
}

describe('what Java writes', () => {
  test('there are ten encode and sixteen decode vectors', () => {
    expect([encodeVectors.length, decodeVectors.length]).toEqual([10, 16])
  })

  test.each(encodeVectors)('keys, address and value of "$case" come out to the byte', (vector) => {
    const java = javaInstance(vector.value)
    const id = { name: String(java.serviceName), version: String(java.serviceVersion) }
    expect({
      serviceKey: formatServiceId(id),
      serviceNodeKey: nodeKey(java),
      etcdKey: instanceKey(java),
      address: instanceAddress(java),
      value: encodeInstance(java),
    }).toEqual({
      serviceKey: vector.serviceKey,
      serviceNodeKey: vector.serviceNodeKey,
      etcdKey: vector.etcdKey,
      address: vector.address,
      value: vector.value,
    })
  })

  test.each(encodeVectors.filter(({ case: name }) => !(name in refusedByRegister)))(
    'register accepts "$case"',
    ({ case: name, value }) => {
      const { serviceName, serviceHost, servicePort, serviceVersion, serviceGroup } =
        javaInstance(value)
      const checked = checkInstance({
        serviceName: serviceName ?? '',
        serviceHost: serviceHost ?? '',
        servicePort: servicePort ?? 0,
        ...(serviceVersion !== null && { serviceVersion }),
        ...(serviceGroup !== null && { serviceGroup }),
      })
      expect(checked.serviceHost).toBe(mendedByRegister[name] ?? serviceHost)
    },
  )

  test.each(Object.entries(refusedByRegister))('only the codec accepts "%s"', (name, why) => {
    const vector = encodeVectors.find((candidate) => candidate.case === name)
    const java = javaInstance(vector?.value ?? '')
    // A caller without types can pass anything.
    expect(() => checkInstance(java as never)).toThrow(why)
  })

  test('escapes exactly the characters that hutool escapes, in lower case', () => {
    for (let unit = 0; unit < 0xd800; unit++) {
      const character = String.fromCharCode(unit)
      const escaped =
        (unit >= 0x80 && unit <= 0xa0) ||
        (unit >= 0x2000 && unit <= 0x2010) ||
        (unit >= 0x2028 && unit <= 0x202f) ||
        (unit >= 0x2066 && unit <= 0x206f)
      const expected = escaped
        ? `"\\u${unit.toString(16).padStart(4, '0')}"`
        : JSON.stringify(character)
      const java = { ...javaInstance('{}'), serviceGroup: character }
      expect(encodeInstance(java)).toBe(`{"serviceGroup":${expected}}`)
    }
  })
})

describe('what Java reads', () => {
  const readable = decodeVectors.filter(
    (vector) => vector.parsed !== undefined && !(vector.case in stricterThanJava),
  )
  test.each(readable)('"$case" is read and written again as Java does', (vector) => {
    const read = readJavaValue(vector.input)
    if (!read.ok) throw new Error(read.reason)
    // Java forgets what it does not know; this codec keeps it (shown below).
    const known = { ...read.value, extra: {} }
    expect(javaToString(known)).toBe(vector.parsed)
    expect(encodeInstance(known)).toBe(vector.reencoded)
  })

  test.each(decodeVectors.filter(({ error }) => error !== undefined))(
    '"$case" is refused where Java throws',
    ({ input }) => {
      expect(readJavaValue(input)).toMatchObject({ ok: false })
    },
  )

  test.each(Object.entries(stricterThanJava))(
    '"%s" is refused although Java reads it',
    (name, reason) => {
      const vector = decodeVectors.find((candidate) => candidate.case === name)
      expect(vector?.parsed).toBeDefined()
      expect(readJavaValue(vector?.input ?? '')).toEqual({ ok: false, reason })
    },
  )
})

describe('an instance from a value', () => {
  const decode = (text: string) => decodeInstance(Buffer.from(text))

  test('keeps the fields it does not know, in their order and to the last digit', () => {
    const value =
      '{"serviceName":"S","serviceVersion":"1.0","serviceHost":"h","servicePort":1,"serviceGroup":"default","weight":10,"tags":["a"],"id":12345678901234567890,"__proto__":{"x":1}}'
    const decoded = decode(value)
    if (!decoded.ok) throw new Error(decoded.reason)
    expect(Object.keys(decoded.value.extra ?? {})).toEqual(['weight', 'tags', 'id', '__proto__'])
    expect(encodeInstance(decoded.value)).toBe(value)
  })

  test('fills version and group, also where Java would leave null', () => {
    const value = '{"serviceName":"S","serviceHost":"h","servicePort":"8080","serviceVersion":null}'
    expect(decode(value)).toEqual({
      ok: true,
      value: {
        serviceName: 'S',
        serviceVersion: '1.0',
        serviceHost: 'h',
        servicePort: 8080,
        serviceGroup: 'default',
      },
    })
  })

  test.each([
    ['{}', 'serviceName is missing'],
    ['{"serviceName":"S"}', 'serviceHost is missing'],
    ['{"serviceName":"S","serviceHost":"h"}', 'servicePort is missing'],
    [
      '{"serviceName":"S","serviceHost":"h","servicePort":70000}',
      'servicePort is 70000, expected a whole number from 1 to 65535',
    ],
    [
      '{"serviceName":"S","serviceHost":"h","servicePort":1.5}',
      'servicePort is the number 1.5, expected a whole number of 32 bits',
    ],
    ['{"serviceName":7}', 'serviceName is the number 7, expected text'],
    ['{"serviceName":["S"]}', 'serviceName is an array, expected text'],
    ['', 'the value is empty'],
    ['\uFEFF{}', 'the value is not JSON'],
    ['"S"', 'the value is the text "S", expected a JSON object'],
  ])('%s is refused: %s', (value, reason) => {
    expect(decode(value)).toEqual({ ok: false, reason })
  })

  test('bytes that are not UTF-8 are refused, not replaced', () => {
    expect(decodeInstance(Uint8Array.of(0x7b, 0xff, 0x7d))).toEqual({
      ok: false,
      reason: 'the value is not UTF-8',
    })
  })

  test('a value nested ten thousand levels deep is refused, not a crash', () => {
    const deep = `{"serviceName":"S","serviceHost":"h","servicePort":1,"x":${'['.repeat(50_000)}1234567890123456${']'.repeat(50_000)}}`
    const decoded = decode(deep)
    expect(decoded).toEqual({ ok: false, reason: 'the value is nested too deep' })
  })

  test('no bytes make it throw', () => {
    const json = fc.json().map((text) => Buffer.from(text))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), json), (bytes) => {
        const decoded = decodeInstance(bytes)
        if (!decoded.ok) expect(decoded.reason).not.toBe('')
      }),
      { numRuns: 2000 },
    )
  })

  test('every instance that register accepts survives the way there and back', () => {
    const word = fc.stringMatching(/^[\w.$-]{1,30}$/)
    fc.assert(
      fc.property(
        word,
        word,
        fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 65535 }),
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 }),
        (serviceName, serviceVersion, serviceGroup, servicePort, extra) => {
          const instance = {
            serviceName,
            serviceVersion,
            serviceHost: 'h',
            servicePort,
            serviceGroup,
            ...(Object.keys(extra).length > 0 && { extra }),
          }
          const decoded = decodeInstance(Buffer.from(encodeInstance(instance)))
          if (!decoded.ok) throw new Error(decoded.reason)
          // -0 becomes 0 in JSON, an own "__proto__" is compared by its text.
          expect(encodeInstance(decoded.value)).toBe(encodeInstance(instance))
        },
      ),
    )
  })
})

describe('an instance with extra fields', () => {
  const withExtra = (extra: Record<string, unknown>) => () =>
    encodeInstance({ ...javaInstance('{}'), extra })

  test('is refused when JSON cannot say them', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(withExtra({ a: { b: [Number.NaN] } })).toThrow('extra.a.b[0] is not a value of JSON')
    expect(withExtra({ f: () => 1 })).toThrow('extra.f is not a value of JSON')
    expect(withExtra({ when: new Date(0) })).toThrow('extra.when is not a value of JSON')
    expect(withExtra({ circle })).toThrow('is nested deeper than 32 levels')
  })
})
