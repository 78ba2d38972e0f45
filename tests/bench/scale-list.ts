import { channelOptions, politePings } from '../../lab-server/etcd/connection.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { prefixEnd } from '../../lab-server/etcd/wire.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { ServiceId } from '../../lab-server/registry/registry.ts'
import { servicePrefix } from '../../lab-server/registry/service-key.ts'
import { forEachFew } from '../helpers/many-services.ts'
import { BareGrpc } from './bare-grpc.ts'
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts'
import { instanceCount, serviceCount, startScaleCluster } from './scale.ts'
import { median } from './statistics.ts'

const rounds = 10
const warmUpRounds = 2
const bound = 2
const limitMs = 10_000
/** Calls under way at once, on either side. */
const atOnce = 16

/** Lists every service, one Range each; resolves with the number of instances. */
type ListAll = (ids: readonly ServiceId[]) => Promise<number>

export const scaleList: Benchmark = {
  name: 'scale-list',
  summary: 'listing and decoding 100,000 instances in 1,000 services, beside the bare Range calls',
  async run(context) {
    const scale = await startScaleCluster(context)
    try {
      return await compare(scale.leaderUrl, scale.ids, context)
    } finally {
      await scale.close()
    }
  },
}

/** Both ask the same member on channels with the same options. */
async function compare(
  url: string,
  ids: readonly ServiceId[],
  context: BenchContext,
): Promise<BenchResult> {
  const client = new EtcdClient({ endpoints: [url] })
  const registry = createEtcdRegistry({ client })
  const bare = new BareGrpc(url, channelOptions('calls', politePings))
  const lists: Record<'registry' | 'bare', ListAll> = {
    registry: (all) => sumOver(all, async (id) => (await registry.discover(id)).instances.length),
    bare: (all) => sumOver(all, async (id) => (await bareRange(bare, id)).kvs.length),
  }
  const samples = { registry: [] as number[], bare: [] as number[] }
  const count = context.rounds ?? rounds
  try {
    for (let round = -warmUpRounds; round < count; round += 1) {
      context.signal.throwIfAborted()
      const order =
        round % 2 === 0 ? (['registry', 'bare'] as const) : (['bare', 'registry'] as const)
      for (const name of order) {
        const took = await time(() => lists[name](ids))
        if (round >= 0) samples[name].push(took)
      }
      context.progress(`scale-list ${round + 1}/${count}`)
    }
  } finally {
    await registry.close()
    client.close()
    bare.close()
  }
  return summarize(samples)
}

function bareRange(bare: BareGrpc, id: ServiceId): ReturnType<BareGrpc['range']> {
  const prefix = Buffer.from(servicePrefix(id))
  return bare.range(prefix, prefixEnd(prefix), limitMs)
}

async function sumOver(
  ids: readonly ServiceId[],
  list: (id: ServiceId) => Promise<number>,
): Promise<number> {
  let sum = 0
  await forEachFew(ids, atOnce, async (id) => {
    const found = await list(id)
    sum += found
  })
  return sum
}

/** Milliseconds. Rejects when an instance is missing. */
async function time(list: () => Promise<number>): Promise<number> {
  const start = performance.now()
  const found = await list()
  const took = performance.now() - start
  if (found !== instanceCount) throw new Error(`${found} instances, not ${instanceCount}`)
  return took
}

function summarize(samples: { registry: number[]; bare: number[] }): BenchResult {
  const ratios = samples.registry.map((took, at) => took / (samples.bare[at] ?? NaN))
  const ratio = median(ratios)
  return {
    rows: [
      {
        name: `scale-list: ${instanceCount} instances, ${serviceCount} Ranges, decoded (n = ${ratios.length})`,
        value: median(samples.registry),
        unit: 'ms',
        baseline: median(samples.bare),
        ratio,
        bound,
        ok: ratio <= bound,
      },
    ],
    samples: { registry: samples.registry, 'bare grpc-js': samples.bare, ratio: ratios },
  }
}
