import { expect, test } from 'vitest'
import { jsonLine } from './json-line.ts'

test('is one line that reads back as what it was', () => {
  const data = { text: 'a\nb\u009b\u202e用户\u001b[31m', list: [1, null], none: undefined }
  const line = jsonLine(data)
  expect(line.endsWith('\n')).toBe(true)
  expect(JSON.parse(line)).toEqual({ text: data.text, list: [1, null] })
})

test('holds nothing that a terminal could act upon', () => {
  const hostile = Array.from({ length: 0x2070 }, (_, code) => String.fromCharCode(code)).join('')
  expect(jsonLine({ hostile }).trimEnd()).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
})

test('writes integers beyond those of JavaScript as text', () => {
  expect(jsonLine({ weight: 2n ** 63n })).toBe('{"weight":"9223372036854775808"}\n')
})
