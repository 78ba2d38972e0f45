import { describe, expect, it } from 'vitest'
import { drawLine, eraseLine, layOut } from './line-layout.ts'

const view = (text: string, cursor = text.length) => ({
  prompt: 'lab$ ',
  promptStyle: '',
  text,
  cursor,
})

describe('line layout', () => {
  it('puts a short line on one row with the cursor behind it', () => {
    expect(layOut(view('abc'), 20)).toEqual({ rows: ['lab$ abc'], cursorRow: 0, cursorColumn: 8 })
  })

  it('counts wide characters as two cells', () => {
    expect(layOut(view('服务'), 20).cursorColumn).toBe(9)
    expect(layOut(view('服务', 1), 20).cursorColumn).toBe(7)
  })

  it('wraps at the width and never cuts a wide character in two', () => {
    expect(layOut(view('abcdefg'), 10)).toEqual({
      rows: ['lab$ abcde', 'fg'],
      cursorRow: 1,
      cursorColumn: 2,
    })
    expect(layOut(view('服务中心'), 10).rows).toEqual(['lab$ 服务', '中心'])
  })

  it('moves the cursor to the next row when the last one is full', () => {
    expect(layOut(view('abcde'), 10)).toEqual({
      rows: ['lab$ abcde', ''],
      cursorRow: 1,
      cursorColumn: 0,
    })
  })

  it('draws and erases from the row the cursor is in', () => {
    const { output, drawn } = drawLine(view('abcdefg', 2), { columns: 10, rows: 24 })
    expect(output).toBe('lab$ abcdefg\x1b[1A\r\x1b[7C')
    expect(drawn).toEqual({ cursorRow: 0 })
    expect(eraseLine({ cursorRow: 2 })).toBe('\x1b[2A\r\x1b[J')
  })

  it('shows the rows around the cursor when the line is taller than the screen', () => {
    const text = Array.from({ length: 95 }, (_, i) => String(i % 10)).join('')
    const { output, drawn } = drawLine(view(text), { columns: 10, rows: 4 })
    expect(output).not.toContain('lab$')
    expect(drawn.cursorRow).toBeLessThan(4)
  })
})
