import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { paint } from './paint.ts'
import {
  bytesToVisibleInline,
  makeVisible,
  makeVisibleInline,
  StreamSanitizer,
} from './sanitize.ts'

/** What a terminal would act upon, and direction overrides. */
const dangerous = /[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/u

function sanitizeChunks(chunks: readonly Uint8Array[]): string {
  const sanitizer = new StreamSanitizer()
  return chunks.map((chunk) => sanitizer.push(chunk)).join('') + sanitizer.end()
}

describe('text', () => {
  test.each([
    ['\u001b[2J', '␛[2J'],
    ['\u001b]0;title\u0007', '␛]0;title␇'],
    ['\u001b]52;c;aGk=\u001b\\', '␛]52;c;aGk=␛\\'],
    ['\u009b31m', '\\x9b31m'],
    ['a\u0000b', 'a␀b'],
    ['a\u007fb', 'a␡b'],
    ['over\rwritten', 'over␍written'],
    ['a\r\nb', 'a\nb'],
    ['back\b\b', 'back␈␈'],
    ['user\u202egpj.exe', 'user\\u202egpj.exe'],
    ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['a\ud800b', 'a\ufffdb'],
    ['tab\tand\nline', 'tab\tand\nline'],
    ['你好，世界 👩‍👩‍👧 é', '你好，世界 👩‍👩‍👧 é'],
  ])('%j becomes %j', (raw, visible) => {
    expect(makeVisible(raw)).toBe(visible)
  })

  test('inside a sentence or a cell, line breaks are shown too', () => {
    expect(makeVisibleInline('a\nb\tc\r\nd')).toBe('a␊b␉c␍␊d')
  })

  test('bytes that are no UTF-8 become replacement characters', () => {
    expect(bytesToVisibleInline(Uint8Array.of(0x61, 0xff, 0xfe, 0x62))).toBe('a\ufffd\ufffdb')
  })

  test('painted text carries our colours and nothing of the text’s own', () => {
    expect(paint('a\u001b[2Jb', 'bad')).toBe('\u001b[31ma␛[2Jb\u001b[0m')
    expect(paint('a\n\nb', 'dim')).toBe('\u001b[2ma\u001b[0m\n\n\u001b[2mb\u001b[0m')
  })
})

describe('streams', () => {
  test('a character split over chunks is one character', () => {
    const bytes = new TextEncoder().encode('键😀')
    expect(sanitizeChunks([...bytes].map((byte) => Uint8Array.of(byte)))).toBe('键😀')
  })

  test('a line end split over chunks is one line end, a lone return is shown', () => {
    const chunk = (text: string) => new TextEncoder().encode(text)
    expect(sanitizeChunks([chunk('a\r'), chunk('\nb\r'), chunk('c\r')])).toBe('a\nb␍c␍')
  })

  test('an escape sequence split over chunks stays harmless', () => {
    const chunk = (text: string) => new TextEncoder().encode(text)
    expect(sanitizeChunks([chunk('\u001b'), chunk('[2'), chunk('J')])).toBe('␛[2J')
  })

  test('a sequence that the end cuts off becomes a replacement character', () => {
    expect(sanitizeChunks([Uint8Array.of(0x61, 0xe9, 0x94)])).toBe('a\ufffd')
  })

  test('what is hidden is left out, wherever a chunk ends', () => {
    const all = new TextEncoder().encode('at /tmp/x/etcd1.sock, /tmp/xy, /tmp/x/, /tm')
    for (let cut = 0; cut <= all.length; cut += 1) {
      const stream = new StreamSanitizer({ hidden: '/tmp/x/' })
      const shown = stream.push(all.subarray(0, cut)) + stream.push(all.subarray(cut))
      expect(shown + stream.end()).toBe('at etcd1.sock, /tmp/xy, , /tm')
    }
  })

  test('for any bytes in any chunks, nothing dangerous comes out, and chunking changes nothing', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(bytes, fc.array(fc.nat({ max: 300 }), { maxLength: 8 }), (all, cuts) => {
        const borders = [0, ...cuts.map((cut) => Math.min(cut, all.length)), all.length]
        borders.sort((a, b) => a - b)
        const chunks = borders.slice(1).map((to, index) => all.subarray(borders[index], to))
        const whole = sanitizeChunks([all])
        expect(whole).not.toMatch(dangerous)
        expect(sanitizeChunks(chunks)).toBe(whole)
      }),
      { numRuns: 1000 },
    )
  })
})
