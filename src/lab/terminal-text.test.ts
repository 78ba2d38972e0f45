import { describe, expect, it } from 'vitest'
import { plainText, safeText } from './terminal-text.ts'

describe('text for the terminal', () => {
  it('keeps colours, newlines and tabs', () => {
    expect(safeText('\x1b[1;31mred\x1b[0m\tok\n')).toBe('\x1b[1;31mred\x1b[0m\tok\n')
  })

  it.each([
    ['a window title', 'a\x1b]0;title\x07b'],
    ['a link', 'a\x1b]8;;http://x\x1b\\b'],
    ['the clipboard', 'a\x1b]52;c;aGk=\x07b'],
    ['a device query', 'a\x1b[cb'],
    ['a cursor movement', 'a\x1b[2;3Hb'],
    ['an erased screen', 'a\x1b[2Jb'],
    ['a private mode', 'a\x1b[?1049hb'],
    ['a device control string', 'a\x1bP+q544e\x1b\\b'],
    ['a full reset', 'a\x1bcb'],
    ['bells and backspaces', 'a\x07\x08b'],
    ['a carriage return', 'a\rb'],
    ['8-bit controls', 'a\x9b\x84b'],
  ])('removes %s', (_what, text) => {
    expect(safeText(text)).toBe('ab')
  })

  it('leaves no escape behind, also from an unfinished sequence', () => {
    expect(safeText('a\x1b[31')).not.toContain('\x1b')
    expect(safeText('a\x1b]0;never ended')).not.toContain('\x1b')
    expect(safeText('\x1b\x1b[0;5H\x1b]\x1b')).toBe('')
  })

  it('gives plain text without colours', () => {
    expect(plainText('\x1b[32mok\x1b[0m')).toBe('ok')
  })
})
