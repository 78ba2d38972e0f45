import { expect, test } from 'vitest'
import { parseKeys, type Key } from './keys.ts'
import { nothingAhead, typeAhead, type TypeAhead } from './type-ahead.ts'

const type = (keys: readonly Key[], from: TypeAhead = nothingAhead) => keys.reduce(typeAhead, from)

test('keys are kept in their order, Enter too', () => {
  const keys = parseKeys('version\rhelp\r')
  expect(type(keys)).toEqual({ keys, mayRun: true })
})

test('an interrupt discards what was typed before it', () => {
  expect(type(parseKeys('version\r\x03help')).keys).toEqual([{ type: 'text', text: 'help' }])
})

test('no Enter runs what was pasted and has not been seen', () => {
  const paste: Key = { type: 'paste', text: 'version\nhelp' }
  expect(type([...parseKeys('a\r'), paste, ...parseKeys('\rb\r')]).keys).toEqual([
    ...parseKeys('a\r'),
    paste,
    { type: 'text', text: 'b' },
  ])
  const unseen = { keys: [], mayRun: false }
  expect(type(parseKeys('\r\x03\r'), unseen)).toEqual(unseen)
})

test('a key that is held down fills no memory', () => {
  const ahead = type(Array.from({ length: 10_000 }, (): Key => ({ type: 'enter' })))
  expect(ahead.keys.length).toBeLessThan(1000)
})
