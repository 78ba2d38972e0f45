import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { FollowedService, FollowingRegistry } from '../../lab-server/registry/registry.ts'
import { Telemetry } from '../../lab-server/telemetry/telemetry.ts'
import { collectTelemetry } from '../helpers/collected-telemetry.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { informationRow, type BenchContext, type Benchmark, type BenchRow } from './benchmark.ts'
import { startBenchCluster } from './lab-cluster.ts'
import { median } from './statistics.ts'

const rounds = 3000
const warmUpRounds = 300
/** One look at a view is far below what a clock can tell. */
const looksARound = 1000
/** The same: a call that does nothing, by way of the telemetry and directly. */
const callsARound = 1000
const instances = 20
/** What may not be exceeded where nobody listens. */
const bound = 1.05

const service = { name: 'BenchService', version: '1.0' }

/** As if there were no telemetry: nobody is looked for, nobody is told. */
class Silence extends Telemetry {
  override operation: Telemetry['operation'] = (_operation, _describe, work, ...args) =>
    work(...args)

  override startCall(): null {
    return null
  }

  override get counts(): boolean {
    return false
  }
}

interface Subject {
  readonly telemetry: Telemetry
  readonly registry: FollowingRegistry
  readonly followed: FollowedService
  readonly discover: number[]
  readonly current: number[]
  close(): Promise<void>
}

export const telemetryCost: Benchmark = {
  name: 'telemetry',
  summary: 'discover and current() without telemetry, with nobody listening, with an SDK listening',
  async run(context) {
    const cluster = await startBenchCluster()
    const sdk = collectTelemetry()
    try {
      const [url = ''] = cluster.endpoints
      const subjects = {
        without: await open(url, new Silence()),
        nobody: await open(url, new Telemetry()),
        listening: await open(url, new Telemetry(sdk)),
      }
      for (let port = 1; port <= instances; port += 1)
        await subjects.without.registry.register(instanceAt(service, port))
      try {
        await measure(subjects, context)
        return summarize(subjects, measureCalls(subjects))
      } finally {
        for (const subject of Object.values(subjects)) await subject.close()
      }
    } finally {
      await sdk.close()
      await cluster.close()
    }
  },
}

type Subjects = Readonly<Record<'without' | 'nobody' | 'listening', Subject>>

async function open(url: string, telemetry: Telemetry): Promise<Subject> {
  const client = new EtcdClient({ endpoints: [url], telemetry })
  const registry = createEtcdRegistry({ client })
  const followed = await registry.follow(service)
  return {
    telemetry,
    registry,
    followed,
    discover: [],
    current: [],
    async close() {
      await registry.close()
      client.close()
    },
  }
}

/** All in turn within one round, so that whatever slows the machine slows each of them. */
async function measure(subjects: Subjects, context: BenchContext): Promise<void> {
  const all = Object.values(subjects)
  const count = context.rounds ?? rounds
  for (let round = -warmUpRounds; round < count; round += 1) {
    context.signal.throwIfAborted()
    for (let turn = 0; turn < all.length; turn += 1) {
      const subject = all[(turn + round + warmUpRounds) % all.length]
      if (subject === undefined) continue
      const discovering = await timeDiscover(subject)
      const looking = timeLooks(subject)
      if (round < 0) continue
      subject.discover.push(discovering)
      subject.current.push(looking)
    }
    if (round > 0 && round % 1000 === 0) context.progress(`telemetry ${round}/${count}`)
  }
}

async function timeDiscover({ registry }: Subject): Promise<number> {
  const start = performance.now()
  await registry.discover(service)
  return performance.now() - start
}

/** Of one look, milliseconds. */
function timeLooks({ followed }: Subject): number {
  const start = performance.now()
  for (let look = 0; look < looksARound; look += 1) followed.current()
  return (performance.now() - start) / looksARound
}

/** What looking for a listener costs an operation where there is none, milliseconds; the median. */
function measureCalls({ nobody, without }: Subjects): number {
  const nothing = Promise.resolve()
  const work = (): Promise<void> => nothing
  const describe = (): Record<string, string> => ({})
  const time = ({ telemetry }: Subject): number => {
    const start = performance.now()
    for (let call = 0; call < callsARound; call += 1)
      void telemetry.operation('discover', describe, work)
    return (performance.now() - start) / callsARound
  }
  const differences = Array.from({ length: 500 }, () => time(nobody) - time(without))
  return median(differences)
}

function summarize(subjects: Subjects, call: number) {
  const { without, nobody, listening } = subjects
  const micro = (ms: number): number => ms * 1000
  const beside = (
    name: string,
    samples: readonly number[],
    base: readonly number[],
    limit: number | null,
  ): BenchRow => {
    const [value, baseline] = [micro(median(samples)), micro(median(base))]
    const ratio = value / baseline
    const row = { name, value, unit: 'µs', baseline, ratio }
    return limit === null ? informationRow(row) : { ...row, bound: limit, ok: ratio <= limit }
  }
  return {
    rows: [
      beside('telemetry discover, nobody listens', nobody.discover, without.discover, bound),
      beside('telemetry current(), nobody listens', nobody.current, without.current, bound),
      beside('telemetry current(), an SDK listens', listening.current, without.current, bound),
      beside('telemetry discover, an SDK listens', listening.discover, without.discover, null),
      informationRow({
        name: 'telemetry looking for a listener',
        value: micro(call),
        unit: 'µs',
      }),
    ],
    samples: Object.fromEntries(
      Object.entries(subjects).flatMap(([name, { discover, current }]) => [
        [`discover/${name}`, discover],
        [`current/${name}`, current],
      ]),
    ),
  }
}
