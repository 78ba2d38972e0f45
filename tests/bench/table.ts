import type { BenchRow } from './benchmark.ts'

const heading = ['', 'name', 'value', 'baseline', 'ratio', 'bound']

/** The rows as aligned text, one line each. */
export function formatTable(rows: readonly BenchRow[]): string {
  const lines = [heading, ...rows.map(cells)]
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => width(line[column]))))
  return lines.map((line) => alignLine(line, widths)).join('\n')
}

function cells(row: BenchRow): string[] {
  return [
    row.bound === null ? ' ' : row.ok ? 'ok' : 'FAILED',
    row.name,
    formatValue(row.value, row.unit),
    row.baseline === null ? '' : formatValue(row.baseline, row.unit),
    row.ratio === null ? '' : row.ratio.toFixed(3),
    row.bound === null ? '' : `≤ ${row.bound}${row.ratio === null ? ` ${row.unit}` : ''}`,
  ]
}

function formatValue(value: number, unit: string): string {
  const digits = unit === 'errors' || unit === 'changes' ? 0 : Math.abs(value) < 10 ? 3 : 0
  return `${value.toFixed(digits)} ${unit}`
}

/** Names to the left, numbers to the right. */
function alignLine(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    .join('  ')
    .trimEnd()
}

function width(cell: string | undefined): number {
  return cell?.length ?? 0
}
