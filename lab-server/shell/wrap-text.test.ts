import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { displayWidth } from './display-width.ts'
import { wrapText } from './wrap-text.ts'

describe('wrapText', () => {
  test('leaves alone what fits', () => {
    expect(wrapText('one two\nthree', 7)).toBe('one two\nthree')
  })

  test('breaks between words, never inside one', () => {
    expect(wrapText('watch UserService in a second terminal', 20)).toBe(
      'watch UserService in\na second terminal',
    )
    expect(wrapText('see /rpc/UserService:1.0/127.0.0.1:8080 now', 10)).toBe(
      'see\n/rpc/UserService:1.0/127.0.0.1:8080\nnow',
    )
  })

  test('keeps the indentation of the line', () => {
    expect(wrapText('  one two three', 9)).toBe('  one two\n  three')
  })

  test('breaks between Chinese characters, but not before a closing or after an opening mark', () => {
    expect(wrapText('没有写入的时间：到第一次写入', 14)).toBe('没有写入的时\n间：到第一次写\n入')
    expect(wrapText('测量结束了（采样）', 12)).toBe('测量结束了\n（采样）')
    expect(wrapText('一二三四五。', 10)).toBe('一二三四\n五。')
  })

  test('loses nothing but blanks at the breaks, and keeps within the width where it can', () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9,.]{0,7}$|^[一-龥][一-龥，。]{0,7}$/u)
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 30 }),
        fc.integer({ min: 20, max: 60 }),
        (words, columns) => {
          const text = words.join(' ')
          const wrapped = wrapText(text, columns)
          expect(wrapped.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''))
          for (const line of wrapped.split('\n')) {
            expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          }
        },
      ),
    )
  })
})
