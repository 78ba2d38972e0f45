import { expect, test } from 'vitest'
import { cutText, keepColoursOnly, showLine } from './terminal-text.ts'

test('lets colours, tabs and newlines pass', () => {
  const text = '\u001b[1;31mred\u001b[0m\tcell\n中文 😀'
  expect(keepColoursOnly(text)).toBe(text)
})

test.each([
  ['a clear screen', '\u001b[2J', '[2J'],
  ['a window title', '\u001b]0;pwned\u0007', ']0;pwned'],
  ['a one-byte CSI', '\u009b2J', '2J'],
  ['a carriage return', 'safe\rfake', 'safefake'],
  ['a bell and a backspace', '\u0007\b', ''],
  ['a colour with a cursor move inside', '\u001b[31\u001b[2Jm', '[31[2Jm'],
])('takes the control out of %s', (_name, given, expected) => {
  expect(keepColoursOnly(given)).toBe(expected)
})

test('shows a typed line on one line', () => {
  expect(showLine('a\nb\u001b[2Jc')).toBe('a\ufffdb\ufffd[2Jc')
})

test('cuts text without tearing a character apart', () => {
  const text = 'ab😀cd'
  const pieces = cutText(text, 3)
  expect(pieces.join('')).toBe(text)
  expect(pieces).toEqual(['ab', '😀c', 'd'])
  expect(cutText('', 3)).toEqual([])
})
