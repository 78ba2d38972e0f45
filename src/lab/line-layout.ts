import { graphemes, graphemeWidth } from './cell-width.ts'

/** Where the input area stands on the screen, so that the next drawing can replace it. */
export interface DrawnLine {
  /** Row of the cursor, counted from the first row of the input area. */
  readonly cursorRow: number
}

export interface LineView {
  /** Printable text before the line, for example `lab$ `. */
  readonly prompt: string
  /** SGR sequence for the prompt, or an empty string. */
  readonly promptStyle: string
  readonly text: string
  /** UTF-16 offset in `text`. */
  readonly cursor: number
}

export interface Screen {
  readonly columns: number
  readonly rows: number
}

interface Rows {
  readonly rows: readonly string[]
  readonly cursorRow: number
  readonly cursorColumn: number
}

/** Breaks prompt and text into rows as the terminal will, and finds the cursor. */
export function layOut(view: LineView, columns: number): Rows {
  const rows: string[] = ['']
  let column = 0
  let offset = -view.prompt.length
  let cursor: { row: number; column: number } | null = null
  for (const grapheme of graphemes(view.prompt).concat(graphemes(view.text))) {
    const width = graphemeWidth(grapheme)
    if (column + width > columns) {
      rows.push('')
      column = 0
    }
    if (offset >= view.cursor && !cursor) cursor = { row: rows.length - 1, column }
    rows.push((rows.pop() ?? '') + grapheme)
    column += width
    offset += grapheme.length
  }
  // A cursor right behind a full row belongs to the start of the next one.
  if (column >= columns) {
    rows.push('')
    column = 0
  }
  const at = cursor ?? { row: rows.length - 1, column }
  return { rows, cursorRow: at.row, cursorColumn: at.column }
}

/**
 * The characters that draw the input area, with the cursor left where the reader edits. A line of
 * more rows than the screen has is drawn as the window of rows around the cursor.
 */
export function drawLine(view: LineView, screen: Screen): { output: string; drawn: DrawnLine } {
  const { rows, cursorRow, cursorColumn } = layOut(view, screen.columns)
  const first = Math.max(0, Math.min(cursorRow - screen.rows + 2, rows.length - screen.rows))
  const visible = rows.slice(first, first + screen.rows)
  const styled = first === 0 ? stylePrompt(view, visible) : visible
  const endRow = visible.length - 1
  const row = cursorRow - first
  return {
    output: joinRows(styled) + up(endRow - row) + toColumn(cursorColumn),
    drawn: { cursorRow: row },
  }
}

/** The characters that take the drawn input area away and leave the cursor at its first cell. */
export function eraseLine(drawn: DrawnLine): string {
  return `${up(drawn.cursorRow)}\r\x1b[J`
}

function stylePrompt(view: LineView, rows: readonly string[]): readonly string[] {
  const [first = '', ...rest] = rows
  if (view.promptStyle === '' || !first.startsWith(view.prompt)) return rows
  return [`${view.promptStyle}${view.prompt}\x1b[0m${first.slice(view.prompt.length)}`, ...rest]
}

/**
 * Rows flow into each other by the terminal's own wrapping, so that it knows they are one line
 * (copying, resizing). An empty last row needs a character to be wrapped to.
 */
function joinRows(rows: readonly string[]): string {
  const text = rows.join('')
  return rows.length > 1 && rows.at(-1) === '' ? `${text} \b\x1b[K` : text
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${String(rows)}A` : ''
}

function toColumn(column: number): string {
  return column > 0 ? `\r\x1b[${String(column)}C` : '\r'
}
