/** One line of the result. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What stands beside it in the same run, in the same unit; null where nothing does. */
  readonly baseline: number | null
  /** Of value to baseline. Where each sample has its own baseline: the median of their ratios. */
  readonly ratio: number | null
  /** What must not be exceeded: by the ratio if there is one, else by the value. Null = for information. */
  readonly bound: number | null
  readonly ok: boolean
}

export interface BenchResult {
  readonly rows: readonly BenchRow[]
  /** Every measurement, by the name of what was measured; durations in milliseconds. */
  readonly samples: Readonly<Record<string, readonly number[]>>
}

export interface BenchContext {
  readonly signal: AbortSignal
  /** Replaces the benchmark's own number of rounds: fewer to try it, more to be surer. */
  readonly rounds: number | null
  /** One line for whoever waits. */
  readonly progress: (text: string) => void
}

export interface Benchmark {
  readonly name: string
  /** What it measures, in one line. */
  readonly summary: string
  readonly run: (context: BenchContext) => Promise<BenchResult>
}

/** A row that stands beside the others and is held to nothing. */
export function informationRow(
  row: Pick<BenchRow, 'name' | 'value' | 'unit'> & Partial<BenchRow>,
): BenchRow {
  return { baseline: null, ratio: null, bound: null, ok: true, ...row }
}
