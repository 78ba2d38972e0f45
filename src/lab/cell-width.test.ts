import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes'
import type { IUnicodeVersionProvider, Terminal } from '@xterm/xterm'
import { describe, expect, it } from 'vitest'
import { graphemes, graphemeWidth, textWidth } from './cell-width.ts'

describe('cell width', () => {
  it('counts CJK, emoji, families and flags as two cells and combined letters as one', () => {
    expect(textWidth('abc')).toBe(3)
    expect(textWidth('服务')).toBe(4)
    expect(textWidth('，。「」')).toBe(8)
    expect(textWidth('e\u0301')).toBe(1)
    expect(textWidth('🎉')).toBe(2)
    expect(textWidth('👩‍👩‍👧‍👦')).toBe(2)
    expect(textWidth('🇨🇳')).toBe(2)
    expect(textWidth('❤\ufe0f')).toBe(2)
    expect(textWidth('—…“”')).toBe(4)
  })

  it('gives the same width as the terminal for text that readers type', () => {
    const provider = graphemeProvider()
    const samples = [
      'register hello --port 8080',
      '注册一个服务：订单中心（测试）',
      'かな カナ ｶﾅ 한국어',
      '🎉👩‍💻👍🏽🇨🇳❤\ufe0f☕✂\ufe0f',
      'éàü ñ e\u0301 Ω≈ ①②— “引号” …',
    ]
    for (const sample of samples) expect(textWidth(sample), sample).toBe(cellsOf(provider, sample))
  })

  it('gives the same width as the terminal for every assigned character alone', () => {
    const provider = graphemeProvider()
    const differing: string[] = []
    for (let code = 0x20; code <= 0x3ffff; code++) {
      const char = String.fromCodePoint(code)
      if (!/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(char)) continue
      if (graphemeWidth(char) !== cellsOf(provider, char)) differing.push(code.toString(16))
    }
    // Characters newer than the addon's Unicode 15 tables, or of changed width since.
    expect(differing.length, differing.slice(0, 40).join(' ')).toBeLessThan(400)
    const common = differing.filter((hex) => isCommon(Number.parseInt(hex, 16)))
    expect(common).toEqual([])
  })

  it('keeps an emoji family and a combined letter together', () => {
    expect(graphemes('a👩‍👩‍👧e\u0301')).toEqual(['a', '👩‍👩‍👧', 'e\u0301'])
  })
})

/** Latin, CJK, kana, Hangul, full-width forms: what a keyboard or an input method produces. */
function isCommon(code: number): boolean {
  return (
    code < 0x600 ||
    (code >= 0x2000 && code < 0x2600) ||
    (code >= 0x3000 && code < 0xa000) ||
    (code >= 0xac00 && code < 0xd7a4) ||
    (code >= 0xff00 && code < 0xffef)
  )
}

/** The width rules that the addon gives to xterm, taken from the addon itself. */
function graphemeProvider(): IUnicodeVersionProvider {
  const providers: IUnicodeVersionProvider[] = []
  const unicode = {
    versions: [],
    activeVersion: '6',
    register: (provider: IUnicodeVersionProvider) => providers.push(provider),
  }
  new UnicodeGraphemesAddon().activate({ unicode } as unknown as Terminal)
  const provider = providers.find((one) => one.version === '15-graphemes')
  if (!provider) throw new Error('the addon registered no grapheme provider')
  return provider
}

/** Adds up the widths as xterm's input handler does: a joining character replaces the width before it. */
function cellsOf(provider: IUnicodeVersionProvider, text: string): number {
  let cells = 0
  let preceding = 0
  let previousWidth = 0
  for (const char of text) {
    const properties = provider.charProperties(char.codePointAt(0) ?? 0, preceding)
    const width = (properties >> 1) & 3
    if (properties & 1) cells -= previousWidth
    cells += width
    previousWidth = width
    preceding = properties
  }
  return cells
}
