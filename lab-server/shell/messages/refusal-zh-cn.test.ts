import { expect, test } from 'vitest'
import { LabError } from '../../../protocol/index.ts'
import {
  invalidInstance,
  type InstanceProblem,
  type InstanceRefusal,
} from '../../registry/instance-problem.ts'
import { describeError } from '../shell-error.ts'

type Kind = InstanceProblem['kind']

/** One of each kind: the compiler asks for every one. */
const every: { readonly [K in Kind]: Extract<InstanceProblem, { kind: K }> } = {
  'not-text': { kind: 'not-text', field: 'name', type: 'undefined', value: '' },
  empty: { kind: 'empty', field: 'version' },
  'too-long': { kind: 'too-long', field: 'host', length: 254, max: 253 },
  invisible: { kind: 'invisible', field: 'group', character: 'U+202E' },
  separator: { kind: 'separator', field: 'name', value: 'a/b', separator: '/' },
  'not-ipv4': { kind: 'not-ipv4', field: 'host', value: '300.1.1.1' },
  'not-ipv6': { kind: 'not-ipv6', field: 'host', value: '[x]' },
  'not-host': { kind: 'not-host', field: 'host', value: '-h' },
  'not-in-range': {
    kind: 'not-in-range',
    field: 'port',
    type: 'number',
    value: '0',
    min: 1,
    max: 65535,
  },
  'many-colons': { kind: 'many-colons' },
  'half-service': { kind: 'half-service' },
  url: { kind: 'url' },
  'bare-ipv6': { kind: 'bare-ipv6' },
  'no-port': { kind: 'no-port' },
  'not-port': { kind: 'not-port', min: 1, max: 65535 },
  reserved: { kind: 'reserved', names: 'serviceKey, service_port' },
  'too-large': { kind: 'too-large', bytes: 70_000, max: 65_536 },
  'not-json': { kind: 'not-json', path: 'extra.f' },
  'too-deep': { kind: 'too-deep', path: 'extra.a', max: 32 },
}

const found = (['undefined', 'null', 'string', 'number', 'bigint', 'boolean'] as const).map(
  (type) => ({ ...every['not-in-range'], field: 'ttl' as const, type }),
)

const subjects = ['service', 'address', 'instance'] as const
const problems = [...Object.values(every), ...found]
const refusals = subjects.flatMap((subject) =>
  problems.map((problem): InstanceRefusal => ({ subject, text: 'a/b', problems: [problem] })),
)

test.each(refusals)('$subject: $problems.0.kind is told in Chinese alone', (refusal) => {
  const error = invalidInstance(refusal)
  const chinese = describeError(error, 'zh-CN')
  expect(chinese).toMatch(/[\u4e00-\u9fff].*。$/)
  expect(chinese).not.toContain('原文')
  expect(chinese).not.toMatch(/[a-z]+ [a-z]+/i)
  expect(chinese).not.toContain('undefined')
  expect(describeError(error, 'en')).toBe(error.message)
})

test('every kind has words of its own', () => {
  const words = Object.values(every).map((problem) =>
    describeError(invalidInstance({ subject: 'address', text: 'x', problems: [problem] }), 'zh-CN'),
  )
  expect(new Set(words).size).toBe(words.length)
})

test('several problems are all told, and what cannot be shown is made visible', () => {
  const refusal: InstanceRefusal = {
    subject: 'instance',
    text: '',
    problems: [{ ...every.separator, value: 'a\u202e/b' }, every['not-in-range']],
  }
  expect(describeError(invalidInstance(refusal), 'zh-CN')).toBe(
    '没有注册：服务名“a\\u202e/b”里不能有“/”，键要靠它分隔各个部分；端口应为 1 到 65535 之间的整数，而这里是 0。',
  )
})

test('a refusal without facts keeps its own words behind a Chinese sentence', () => {
  const error = new LabError('INVALID_INSTANCE', 'no such thing')
  expect(describeError(error, 'zh-CN')).toBe('服务或实例的写法不对。原文：no such thing')
})
