import { faultBounds } from './bounds.ts'
import { worstMissing } from './check-history.ts'
import type { Bounds, RunHistory, Trial } from './history.ts'

const columns = ['missing', 'consumer', 'provider'] as const
const nameWidth = Math.max(...Object.keys(faultBounds).map((name) => name.length))

/** Every bound, and beside it the worst that this run has seen, in seconds. */
export function formatBounds(history: RunHistory, end: number): string {
  const missing = worstMissing(history, end)
  const lines = Object.entries(faultBounds).map(([name, bounds]) => {
    const trials = history.trials.filter((trial) => trial.name === name)
    return formatLine(name, bounds, trials, missing)
  })
  const heading = columns.map((column) => column.padStart(14)).join('')
  const title = 'worst of allowed, seconds'.padEnd(nameWidth + 6)
  return [`${title}${heading}`, ...lines].join('\n')
}

function formatLine(
  name: string,
  bounds: Bounds,
  trials: readonly Trial[],
  missing: ReadonlyMap<Trial, number>,
): string {
  const seen = {
    missing: trials.map((trial) => missing.get(trial) ?? 0),
    consumer: trials.map(({ settled }) => settled?.consumer ?? 0),
    provider: trials.map(({ settled }) => settled?.provider ?? 0),
  }
  const cells = columns.map((column) => {
    const worst = trials.length === 0 ? '-' : (Math.max(...seen[column]) / 1000).toFixed(1)
    return `${worst} of ${bounds[column]}`.padStart(14)
  })
  return `${name.padEnd(nameWidth)} ${`${trials.length} ×`.padStart(5)}${cells.join('')}`
}
