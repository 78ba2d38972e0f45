import { displayWidth, padToWidth } from './display-width.ts'
import { paint, type Style } from './paint.ts'
import { makeVisibleInline } from './sanitize.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** A cell is made visible here, so values of etcd may be passed as they are. */
export type Cell = string | { readonly text: string; readonly style: Style }

interface PlainCell {
  readonly text: string
  readonly style: Style | undefined
}

function plainCell(cell: Cell | undefined): PlainCell {
  if (cell === undefined) return { text: '', style: undefined }
  if (typeof cell === 'string') return { text: makeVisibleInline(cell), style: undefined }
  return { text: makeVisibleInline(cell.text), style: cell.style }
}

const gap = '  '

function renderRow(cells: readonly PlainCell[], columns: readonly Column[], widths: number[]) {
  const rendered = cells.map((cell, index) => {
    const align = columns[index]?.align ?? 'left'
    const last = index === cells.length - 1 && align === 'left'
    const text = last ? cell.text : padToWidth(cell.text, widths[index] ?? 0, align)
    return paint(text, cell.style)
  })
  return rendered.join(gap).trimEnd()
}

/** One block a row, `title: value` a line: for a terminal too narrow for the table. */
function renderRecords(columns: readonly Column[], rows: readonly PlainCell[][]): string[] {
  return rows.flatMap((row, index) => {
    const lines = row.flatMap((cell, at) =>
      cell.text === '' ? [] : [`${columns[at]?.title ?? ''}: ${paint(cell.text, cell.style)}`],
    )
    return index === 0 ? lines : ['', ...lines]
  })
}

/**
 * Lines of an aligned table (wide characters count two cells), or, where `width` is too small for
 * it, one record a row. The lines carry our own SGR colours and nothing else.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): string[] {
  const plain = rows.map((row) => columns.map((_, index) => plainCell(row[index])))
  const widths = columns.map((column, index) =>
    Math.max(
      displayWidth(column.title),
      ...plain.map((row) => displayWidth(row[index]?.text ?? '')),
    ),
  )
  const total = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1))
  if (total > width) return renderRecords(columns, plain)
  const titles = columns.map((column): PlainCell => ({ text: column.title, style: 'dim' }))
  return [titles, ...plain].map((row) => renderRow(row, columns, widths))
}
