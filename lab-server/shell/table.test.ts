import { describe, expect, test } from 'vitest'
import { displayWidth, padToWidth } from './display-width.ts'
import { renderTable } from './table.ts'

const plain = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/\p{Cc}\[\d*m/gu, '')).join('\n')

describe('display width', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['键', 2],
    ['全角：', 6],
    ['한글', 4],
    ['ｆｕｌｌ', 8],
    ['é', 1],
    ['e\u0301', 1],
    ['😀', 2],
    ['👩‍👩‍👧', 2],
    ['🇨🇳', 2],
    ['❤️', 2],
    ['…', 1],
    ['│', 1],
    ['␛', 1],
    ['𠀀', 2],
  ])('%j takes %i cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells)
  })

  test('padding counts cells', () => {
    expect(padToWidth('键', 4, 'left')).toBe('键  ')
    expect(padToWidth('键', 4, 'right')).toBe('  键')
    expect(padToWidth('long', 2, 'left')).toBe('long')
  })
})

describe('table', () => {
  const columns = [{ title: '服务' }, { title: 'COUNT', align: 'right' as const }, { title: 'X' }]
  const rows = [
    ['用户:1.0', '2', 'a'],
    [{ text: 'Order:1.0', style: 'good' as const }, '10', ''],
  ]

  test('columns line up where wide characters stand in them', () => {
    expect(plain(renderTable(columns, rows, 80))).toBe(
      ['服务       COUNT  X', '用户:1.0       2  a', 'Order:1.0     10'].join('\n'),
    )
  })

  test('a terminal too narrow for the table gets one record a row', () => {
    expect(plain(renderTable(columns, rows, 12))).toBe(
      ['服务: 用户:1.0', 'COUNT: 2', 'X: a', '', '服务: Order:1.0', 'COUNT: 10'].join('\n'),
    )
  })

  test('a value cannot break the row or colour it', () => {
    const [, row] = renderTable([{ title: 'K' }], [['a\n\u001b[31mb']], 80)
    expect(row).toBe('a␊␛[31mb')
  })
})
