import { attachComposeDriver } from '../../lab-server/cluster/compose-driver.ts'
import { newStack } from '../helpers/compose-stack.ts'
import { engineAnswers } from '../helpers/docker.ts'
import { composeImage, provideEtcdImage } from '../helpers/etcd-image.ts'
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts'
import { benchCluster, startBenchCluster, type BenchCluster } from './lab-cluster.ts'
import { median } from './statistics.ts'
import { runRound, type Round } from './write-gap.ts'
import { startOurs, type Writer } from './writers.ts'

const rounds = 15
/** Of the write gap on containers to that on processes. */
const bound = 1.3

interface Side {
  readonly name: string
  readonly cluster: BenchCluster
  readonly writer: Writer
  readonly rounds: Round[]
}

export const containerFailover: Benchmark = {
  name: 'container-failover',
  summary: 'how long writes stall after the kill of a leader, in containers beside processes',
  async run(context) {
    if (!(await engineAnswers())) {
      context.progress('container-failover: no Docker engine answers, so it is left out')
      return { rows: [], samples: {} }
    }
    const image = await provideEtcdImage(await composeImage())
    try {
      return await withBoth((sides) => measure(sides, context))
    } finally {
      await image.remove()
    }
  },
}

async function withBoth(use: (sides: readonly Side[]) => Promise<BenchResult>) {
  const sides: Side[] = []
  const add = (name: string, cluster: BenchCluster) => {
    sides.push({ name, cluster, writer: startOurs(cluster.endpoints), rounds: [] })
  }
  try {
    add('containers', await startContainers())
    add('processes', await startBenchCluster())
    return await use(sides)
  } finally {
    for (const { writer, cluster } of sides) {
      await writer.stop()
      await cluster.close()
    }
  }
}

async function startContainers(): Promise<BenchCluster> {
  const stack = newStack()
  try {
    await stack.compose(['up', '--detach', '--wait'])
    return await benchCluster(await attachComposeDriver({ project: stack.project }), () =>
      stack.remove(),
    )
  } catch (error) {
    await stack.remove()
    throw error
  }
}

/** In turn, so that both see the same machine. */
async function measure(sides: readonly Side[], context: BenchContext): Promise<BenchResult> {
  const count = context.rounds ?? rounds
  for (let round = 1; round <= count; round += 1) {
    context.signal.throwIfAborted()
    for (const side of sides) side.rounds.push(await runRound(side.cluster, 'kill', [side.writer]))
    const shown = sides.map((side) => `${side.name} ${gaps(side).at(-1)?.toFixed(0) ?? '?'} ms`)
    context.progress(`container-failover ${round}/${count}: write gap ${shown.join(', ')}`)
  }
  const [value = NaN, baseline = NaN] = sides.map((side) => median(gaps(side)))
  const ratio = value / baseline
  const row = {
    name: `container-failover (n = ${count})`,
    value,
    unit: 'ms',
    baseline,
    ratio,
    bound,
  }
  return {
    rows: [{ ...row, ok: ratio <= bound }],
    samples: Object.fromEntries(
      sides.flatMap((side) => [
        [`${side.name}, write gap`, gaps(side)],
        [`${side.name}, leaderless`, side.rounds.map(({ leaderlessMs }) => leaderlessMs)],
      ]),
    ),
  }
}

function gaps({ rounds: own, writer }: Side): number[] {
  return own.map((round) => round.gaps.get(writer.name) ?? NaN)
}
