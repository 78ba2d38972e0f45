import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Benchmark, BenchResult, BenchRow } from './benchmark.ts'
import { containerFailover } from './container-failover.ts'
import { containerStart } from './container-start.ts'
import { describeMachine, readVersions } from './machine.ts'
import { promptReady } from './prompt-ready.ts'
import { scaleFollow } from './scale-follow.ts'
import { scaleList } from './scale-list.ts'
import { formatTable } from './table.ts'
import { telemetryCost } from './telemetry-cost.ts'
import { watchLatency } from './watch-latency.ts'
import { writeGapKill } from './write-gap-kill.ts'
import { writeGapPause } from './write-gap-pause.ts'

const benchmarks: readonly Benchmark[] = [
  writeGapKill,
  writeGapPause,
  watchLatency,
  scaleList,
  scaleFollow,
  promptReady,
  telemetryCost,
  containerStart,
  containerFailover,
]

const usage = [
  'usage: npm run bench -- [name …] [--json FILE] [--rounds N]',
  ...benchmarks.map(({ name, summary }) => `  ${name.padEnd(16)} ${summary}`),
].join('\n')

interface Wanted {
  readonly chosen: readonly Benchmark[]
  readonly jsonFile: string | null
  readonly rounds: number | null
}

/** Exit code: 0 = all bounds are kept, 1 = one is not, 2 = usage. */
async function main(): Promise<number> {
  let wanted: Wanted
  try {
    wanted = readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return 2
  }
  const results = await runAll(wanted)
  const rows = [...results.values()].flatMap((result) => result.rows)
  const report = {
    machine: describeMachine(),
    versions: await readVersions(),
    date: new Date().toISOString(),
  }
  console.log(describeRun(report))
  console.log(formatTable(rows))
  if (wanted.jsonFile !== null) await writeReport(wanted.jsonFile, report, rows, results)
  return rows.every((row) => row.ok) ? 0 : 1
}

function readArguments(argv: readonly string[]): Wanted {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'string' }, rounds: { type: 'string' } },
  })
  const unknown = positionals.filter((name) => benchmarks.every((known) => known.name !== name))
  if (unknown.length > 0) throw new Error(`there is no benchmark ${unknown.join(', ')}`)
  if (values.rounds !== undefined && !/^[1-9]\d{0,5}$/.test(values.rounds)) {
    throw new Error(`--rounds takes a number from 1 on, not ${values.rounds}`)
  }
  return {
    chosen:
      positionals.length === 0
        ? benchmarks
        : benchmarks.filter((benchmark) => positionals.includes(benchmark.name)),
    jsonFile: values.json ?? null,
    rounds: values.rounds === undefined ? null : Number(values.rounds),
  }
}

async function runAll(wanted: Wanted): Promise<Map<string, BenchResult>> {
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const results = new Map<string, BenchResult>()
  for (const benchmark of wanted.chosen) {
    const context = {
      signal: interrupted.signal,
      rounds: wanted.rounds,
      progress: (text: string) => console.error(text),
    }
    results.set(benchmark.name, await benchmark.run(context))
  }
  return results
}

type Report = Pick<Parameters<typeof describeRun>[0], 'machine' | 'versions' | 'date'>

async function writeReport(
  file: string,
  report: Report,
  rows: readonly BenchRow[],
  results: ReadonlyMap<string, BenchResult>,
): Promise<void> {
  const samples = Object.fromEntries(
    [...results].map(([name, result]) => [name, roundSamples(result.samples)]),
  )
  await writeFile(file, `${JSON.stringify({ ...report, rows, samples }, null, 2)}\n`)
}

/** Microseconds are as fine as any of this can be. */
function roundSamples(samples: BenchResult['samples']): BenchResult['samples'] {
  return Object.fromEntries(
    Object.entries(samples).map(([name, values]) => [
      name,
      values.map((value) => Math.round(value * 1000) / 1000),
    ]),
  )
}

function describeRun(run: {
  machine: ReturnType<typeof describeMachine>
  versions: Awaited<ReturnType<typeof readVersions>>
  date: string
}): string {
  const { machine, versions, date } = run
  return [
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}`,
    `etcd ${versions.etcd}, Node ${versions.node}, etcd3 ${versions.etcd3}, grpc-js ${versions.grpcJs}`,
    date,
  ].join('\n')
}

process.exitCode = await main()
