import { waitFor } from '../helpers/wait-for.ts'
import {
  informationRow,
  type BenchContext,
  type Benchmark,
  type BenchResult,
  type BenchRow,
} from './benchmark.ts'
import { startBenchCluster, type BenchCluster } from './lab-cluster.ts'
import { sampleLeader } from './leaderless.ts'
import { median, percentile } from './statistics.ts'
import { startBareGrpc, startDefaultEtcd3, startOurs, type Writer } from './writers.ts'

interface GapOptions {
  readonly name: string
  readonly summary: string
  readonly fault: 'kill' | 'pause'
  readonly rounds: number
  /** Default etcd3 stalls for many seconds a round, so it takes part in the first ones only. */
  readonly roundsWithEtcd3: number
  readonly bound: number
  /** Of the 90th percentile of the ratios; null = for information. */
  readonly boundOf90th: number | null
}

export interface Round {
  readonly leaderlessMs: number
  readonly widestSampleGapMs: number
  readonly gaps: ReadonlyMap<string, number>
  readonly errors: ReadonlyMap<string, number>
}

const recoveryMs = 20_000

/** Takes the leader away again and again under write load, and measures how long writes stall. */
export function writeGapBenchmark(options: GapOptions): Benchmark {
  return {
    name: options.name,
    summary: options.summary,
    async run(context) {
      const cluster = await startBenchCluster()
      try {
        return summarize(options, await runRounds(cluster, options, context))
      } finally {
        await cluster.close()
      }
    },
  }
}

async function runRounds(
  cluster: BenchCluster,
  options: GapOptions,
  context: BenchContext,
): Promise<Round[]> {
  const writers = [startOurs(cluster.endpoints), startBareGrpc(cluster.endpoints)]
  const etcd3 = startDefaultEtcd3(cluster.endpoints)
  const count = context.rounds ?? options.rounds
  const rounds: Round[] = []
  let taking = [...writers, etcd3]
  try {
    while (rounds.length < count) {
      context.signal.throwIfAborted()
      if (rounds.length === options.roundsWithEtcd3) {
        taking = writers
        await etcd3.stop()
      }
      const round = await runRound(cluster, options.fault, taking)
      rounds.push(round)
      const gap = round.gaps.get('this client') ?? NaN
      context.progress(
        `${options.name} ${rounds.length}/${count}: leaderless ${round.leaderlessMs.toFixed(0)} ms, ` +
          `write gap ${gap.toFixed(0)} ms`,
      )
    }
  } finally {
    // A writer of etcd3 that hangs on a paused member ends when that member is resumed.
    await cluster.heal()
    await Promise.all([...new Set([...taking, ...writers])].map((writer) => writer.stop()))
  }
  return rounds
}

/** Takes the leader away once, and waits until everybody writes again and all members are back. */
export async function runRound(
  cluster: BenchCluster,
  fault: 'kill' | 'pause',
  writers: readonly Writer[],
): Promise<Round> {
  const leader = await cluster.settledLeader()
  for (const writer of writers) writer.forget()
  await allWrite(writers, 10, recoveryMs)
  const survivors = cluster.members.filter(({ name }) => name !== leader.name)
  const sampling = sampleLeader(survivors, leader.id)
  try {
    const start = await takeAway(cluster, fault, leader.name)
    const leaderAt = await sampling.found
    await sampling.stop()
    for (const writer of writers) await writesAgain(writer, leaderAt)
    return {
      leaderlessMs: leaderAt - start,
      widestSampleGapMs: sampling.widestGapMs(),
      gaps: new Map(writers.map((writer) => [writer.name, gapAfter(writer, start)])),
      errors: new Map(writers.map((writer) => [writer.name, writer.errors.length])),
    }
  } finally {
    await sampling.stop()
    await cluster.heal()
  }
}

/** The instant at which the driver saw the member gone (or stopped). */
async function takeAway(
  cluster: BenchCluster,
  fault: 'kill' | 'pause',
  name: string,
): Promise<number> {
  const seen = Promise.withResolvers<number>()
  const ignore = cluster.driver.onChange((event) => {
    if (event.member === name) seen.resolve(event.monotonic)
  })
  try {
    await (fault === 'kill' ? cluster.driver.kill(name) : cluster.driver.pause(name))
    return await seen.promise
  } finally {
    ignore()
  }
}

async function allWrite(
  writers: readonly Writer[],
  more: number,
  timeoutMs: number,
): Promise<void> {
  const goals = writers.map((writer) => writer.acknowledged.length + more)
  await waitFor(
    'every writer to write',
    () => {
      const idle = writers.find((writer, at) => writer.acknowledged.length < (goals[at] ?? 0))
      return idle === undefined ? true : `${idle.name} does not`
    },
    { timeoutMs },
  )
}

/** Default etcd3 may hang for as long as a member is paused: then what was waited is its gap. */
const patienceWithEtcd3Ms = 8000

async function writesAgain(writer: Writer, since: number): Promise<void> {
  const again = (): boolean => writer.acknowledged.filter((at) => at > since).length >= 3
  const end = performance.now() + patienceWithEtcd3Ms
  await waitFor(
    `${writer.name} to write again`,
    () => again() || (writer.name === 'default etcd3' && performance.now() > end) || 'nothing',
    { timeoutMs: recoveryMs, everyMs: 5 },
  )
}

/**
 * From `start` to the acknowledgement that ended the longest pause between two. (The first one
 * after `start` may answer a write that the leader had accepted before.)
 */
function gapAfter(writer: Writer, start: number): number {
  const instants = [...writer.acknowledged, performance.now()]
  let widest = 0
  let end = start
  for (const [at, instant] of instants.entries()) {
    const from = Math.max(instants[at - 1] ?? start, start)
    if (instant - from <= widest) continue
    widest = instant - from
    end = instant
  }
  return end - start
}

function summarize(options: GapOptions, rounds: readonly Round[]): BenchResult {
  const leaderless = rounds.map((round) => round.leaderlessMs)
  const ours = gapsOf(rounds, 'this client')
  const ratios = rounds.map((round, at) => (ours[at] ?? NaN) / round.leaderlessMs)
  const errors = sum(rounds.map((round) => round.errors.get('this client') ?? 0))
  const ratio = median(ratios)
  const high = percentile(ratios, 0.9)
  const rows: BenchRow[] = [
    {
      name: `${options.name} (n = ${rounds.length})`,
      value: median(ours),
      unit: 'ms',
      baseline: median(leaderless),
      ratio,
      bound: options.bound,
      ok: ratio <= options.bound,
    },
    {
      name: `${options.name}: errors reaching the caller`,
      value: errors,
      unit: 'errors',
      baseline: null,
      ratio: null,
      bound: 0,
      ok: errors === 0,
    },
    {
      name: `${options.name}: 90th percentile`,
      value: percentile(ours, 0.9),
      unit: 'ms',
      baseline: percentile(leaderless, 0.9),
      ratio: high,
      bound: options.boundOf90th,
      ok: options.boundOf90th === null || high <= options.boundOf90th,
    },
    // The baseline is only as fine as its samples: a busy machine shows here.
    informationRow({
      name: `${options.name}: widest distance between two samples of the baseline`,
      value: median(rounds.map((round) => round.widestSampleGapMs)),
      unit: 'ms',
    }),
    ...['bare grpc-js', 'default etcd3'].flatMap((name) => comparisonRow(options, rounds, name)),
  ]
  return {
    rows,
    samples: {
      leaderless,
      'widest distance between two samples': rounds.map((round) => round.widestSampleGapMs),
      'this client': ours,
      ratio: ratios,
      'bare grpc-js': gapsOf(rounds, 'bare grpc-js'),
      'bare grpc-js, errors': rounds.map((round) => round.errors.get('bare grpc-js') ?? 0),
      'default etcd3': gapsOf(rounds, 'default etcd3'),
      'default etcd3, errors': rounds.flatMap((round) => round.errors.get('default etcd3') ?? []),
    },
  }
}

/** Beside the leaderless time of the rounds that this writer took part in. */
function comparisonRow(options: GapOptions, rounds: readonly Round[], name: string): BenchRow[] {
  const own = rounds.filter((round) => round.gaps.has(name))
  if (own.length === 0) return []
  const gaps = gapsOf(own, name)
  return [
    informationRow({
      name: `${options.name}: ${name} (n = ${own.length})`,
      value: median(gaps),
      unit: 'ms',
      baseline: median(own.map((round) => round.leaderlessMs)),
      ratio: median(own.map((round, at) => (gaps[at] ?? NaN) / round.leaderlessMs)),
    }),
  ]
}

function gapsOf(rounds: readonly Round[], name: string): number[] {
  return rounds.flatMap((round) => round.gaps.get(name) ?? [])
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
