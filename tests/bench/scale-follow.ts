import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { encodeInstance } from '../../lab-server/registry/codec.ts'
import { instanceKey } from '../../lab-server/registry/service-key.ts'
import { instanceNumber } from '../helpers/many-services.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { BareGrpc } from './bare-grpc.ts'
import { informationRow, type Benchmark, type BenchResult } from './benchmark.ts'
import { instanceCount, serviceCount, startScaleCluster, type ScaleCluster } from './scale.ts'
import type { Question } from './scale-follow-process.ts'
import { median, percentile } from './statistics.ts'

const rounds = 3
/** Bytes for an instance held in a followed view, everything that following costs included. */
const memoryBound = 1500
/** Microseconds for a call of `current`: a million calls in a second. */
const callBound = 1
const ratesEach = 5
/** Instances that change while nobody hears of it, one in each of so many services. */
const changed = 150
const limitMs = 60_000
/** Without anything told for so long, nothing more is to come. */
const quietMs = 3000

interface Samples {
  readonly memory: number[]
  readonly follow: number[]
  readonly call: number[]
  readonly told: number[]
}

export const scaleFollow: Benchmark = {
  name: 'scale-follow',
  summary: 'memory, speed and relisting of 1,000 followed services with 100,000 instances',
  async run(context) {
    const scale = await startScaleCluster(context)
    const samples: Samples = { memory: [], follow: [], call: [], told: [] }
    const count = context.rounds ?? rounds
    try {
      for (let round = 0; round < count; round += 1) {
        context.signal.throwIfAborted()
        await runRound(scale, round, samples)
        context.progress(`scale-follow ${round + 1}/${count}`)
      }
    } finally {
      await scale.close()
    }
    return summarize(samples)
  },
}

/** Each in a consumer process of its own. */
async function runRound(scale: ScaleCluster, round: number, samples: Samples): Promise<void> {
  const followers = scale.cluster.members.filter(({ clientUrl }) => clientUrl !== scale.leaderUrl)
  const { name, clientUrl } = followers[round % followers.length] ?? { name: '', clientUrl: '' }
  const consumer = startConsumer(clientUrl)
  try {
    const before = await consumer.ask('memory')
    samples.follow.push(await consumer.ask('follow'))
    const held = await consumer.ask('instances')
    if (held !== instanceCount) throw new Error(`${held} instances, not ${instanceCount}`)
    samples.memory.push(((await consumer.ask('memory')) - before) / instanceCount)
    for (let time = 0; time < ratesEach; time += 1)
      samples.call.push(1e6 / (await consumer.ask('rate')))
    samples.told.push(await relist(scale, { name, round }, consumer))
  } finally {
    consumer.kill()
  }
}

/** Takes the consumer's only member away, changes, compacts. Resolves with the changes it is told. */
async function relist(
  { cluster, ids, leaderUrl }: ScaleCluster,
  { name, round }: { readonly name: string; readonly round: number },
  consumer: Consumer,
): Promise<number> {
  await consumer.ask('listen')
  await untilTold(consumer, instanceCount)
  const client = new EtcdClient({ endpoints: [leaderUrl] })
  const bare = new BareGrpc(leaderUrl)
  try {
    await cluster.driver.kill(name)
    for (const id of ids.slice(0, changed)) {
      const instance = { ...instanceNumber(id, 0), extra: { round } }
      await client.put({ key: instanceKey(instance), value: encodeInstance(instance) })
    }
    const { header } = await client.range({ key: 'any', countOnly: true })
    await bare.compact(header.revision, limitMs)
    await cluster.heal()
  } finally {
    client.close()
    bare.close()
  }
  return (await untilTold(consumer, instanceCount + changed)) - instanceCount
}

/** Waits for that many changes and then for as long as more come. */
async function untilTold(consumer: Consumer, wanted: number): Promise<number> {
  let told = 0
  let since = performance.now()
  const look = async (): Promise<true | string> => {
    const now = await consumer.ask('told')
    if (now !== told) since = performance.now()
    told = now
    return (told >= wanted && performance.now() - since > quietMs) || `${told} were told`
  }
  await waitFor(`${wanted} changes`, look, { timeoutMs: limitMs, everyMs: 100 })
  return told
}

type Consumer = ReturnType<typeof startConsumer>

function startConsumer(url: string) {
  const script = fileURLToPath(new URL('scale-follow-process.ts', import.meta.url))
  const process = fork(script, [url], { execArgv: ['--expose-gc'] })
  const gone = new AbortController()
  process.once('exit', () => gone.abort(new Error('the consumer ended')))
  return {
    async ask(question: Question): Promise<number> {
      process.send(question)
      const answer: unknown[] = await once(process, 'message', { signal: gone.signal })
      if (typeof answer[0] === 'number') return answer[0]
      throw new Error(`${question} was answered with ${String(answer[0])}`)
    },
    kill: () => process.kill('SIGKILL'),
  }
}

function summarize({ memory, follow, call, told }: Samples): BenchResult {
  const bytes = Math.max(...memory)
  const beyond = Math.max(...told.map((each) => Math.abs(each - changed)))
  const micros = median(call)
  const none = { baseline: null, ratio: null }
  return {
    rows: [
      {
        ...none,
        name: `scale-follow: memory for each of ${instanceCount} instances, the most of n = ${memory.length}`,
        value: bytes,
        unit: 'B',
        bound: memoryBound,
        ok: bytes <= memoryBound,
      },
      {
        ...none,
        name: `scale-follow: one look at a view, 1 µs = 1,000,000 a second (n = ${call.length})`,
        value: micros,
        unit: 'µs',
        bound: callBound,
        ok: micros <= callBound,
      },
      {
        ...none,
        name: `scale-follow: told after a relist, beside the ${changed} that changed`,
        value: beyond,
        unit: 'changes',
        bound: 0,
        ok: beyond === 0,
      },
      informationRow({
        name: `scale-follow: until ${serviceCount} services are followed`,
        value: percentile(follow, 0.5),
        unit: 'ms',
      }),
    ],
    samples: {
      'bytes for each instance': memory,
      'microseconds for a call': call,
      'changes told after a relist': told,
      follow,
    },
  }
}
