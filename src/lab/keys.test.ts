import { expect, it } from 'vitest'
import { parseKeys } from './keys.ts'

it('splits fast typing into text and keys', () => {
  expect(parseKeys('ab\x1b[Dc\r')).toEqual([
    { type: 'text', text: 'ab' },
    { type: 'left' },
    { type: 'text', text: 'c' },
    { type: 'enter' },
  ])
})

it('keeps text of an input method and emoji whole', () => {
  expect(parseKeys('你好👩‍💻')).toEqual([{ type: 'text', text: '你好👩‍💻' }])
})

it('drops function keys, mouse reports and names of Object.prototype', () => {
  expect(parseKeys('\x1b[15~\x1b[<0;3;4M\x1bOP\x1bx')).toEqual([])
  expect(parseKeys('constructor')).toEqual([{ type: 'text', text: 'constructor' }])
})

it('knows a lone Escape', () => {
  expect(parseKeys('\x1b')).toEqual([{ type: 'escape' }])
})
