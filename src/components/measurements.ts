import data from '../../content/data/measurements.json' with { type: 'json' }

/** One series of a measuring run: samples in the order they were taken. */
export interface Series {
  readonly id: string
  readonly unit: 'ms' | 's'
  readonly samples: readonly number[]
}

const byId = new Map<string, Series>(
  data.series.map((series) => [series.id, { ...series, unit: unitOf(series.unit) }]),
)

export const run = data.run

function unitOf(unit: string): Series['unit'] {
  if (unit !== 'ms' && unit !== 's') throw new Error(`unknown unit ${unit} in measurements.json`)
  return unit
}

export function findSeries(id: string): Series {
  const found = byId.get(id)
  if (!found) throw new Error(`content/data/measurements.json has no series "${id}"`)
  return found
}

/** The sample below which `share` of all samples lie (nearest rank). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new Error('a series without samples has no quantiles')
  return value
}

/** Two or three significant digits with the unit a reader would choose: `1.43 s`, `3.2 ms`. */
export function formatValue(value: number, unit: Series['unit']): string {
  if (unit === 'ms' && value >= 1000) return `${(value / 1000).toFixed(2)} s`
  if (unit === 's') return `${value.toFixed(1)} s`
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`
}
