/**
 * The consumer of the benchmark scale-follow, in a process of its own with `--expose-gc`: follows
 * every service and answers what it is asked over the IPC channel.
 */
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { FollowedService } from '../../lab-server/registry/registry.ts'
import { forEachFew, serviceIds } from '../helpers/many-services.ts'
import { serviceCount } from './scale.ts'

export type Question = 'memory' | 'follow' | 'rate' | 'instances' | 'listen' | 'told'

const atOnce = 16
const callsOfRate = 2_000_000
const settleMs = 500

const [url = ''] = process.argv.slice(2)
const client = new EtcdClient({ endpoints: [url] })
const registry = createEtcdRegistry({ client })
const followed: FollowedService[] = []
const stop = new AbortController()
// Without the benchmark there is nothing to do.
process.once('disconnect', () => process.exit())
let told = 0

const answers: Record<Question, () => Promise<number> | number> = {
  memory,
  follow,
  rate,
  instances,
  listen,
  told: () => told,
}

process.on('message', (question: Question) => {
  void Promise.resolve(answers[question]()).then((answer) => process.send?.(answer))
})

/** Bytes of the whole process that JavaScript is responsible for, after a collection. */
async function memory(): Promise<number> {
  for (let pass = 0; pass < 4; pass += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, settleMs))
  }
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Follows all, and reads all: what a consumer does. Milliseconds. */
async function follow(): Promise<number> {
  const start = performance.now()
  await forEachFew(serviceIds(serviceCount), atOnce, async (id) => {
    followed.push(await registry.follow(id))
  })
  instances()
  return performance.now() - start
}

function instances(): number {
  return followed.reduce((sum, each) => sum + each.current().instances.length, 0)
}

/** Calls of `current` in a second, over all services in turn. */
function rate(): number {
  let seen = 0
  const start = performance.now()
  for (let call = 0; call < callsOfRate; call += 1) {
    seen += followed[call % followed.length]?.current().instances.length ?? 0
  }
  const took = performance.now() - start
  if (seen === 0) throw new Error('nothing is followed')
  return callsOfRate / (took / 1000)
}

/** Counts every change of an instance from now on that the consumers of all services are told. */
function listen(): number {
  for (const each of followed) void count(each)
  return followed.length
}

async function count(service: FollowedService): Promise<void> {
  for await (const { type } of service.changes({ signal: stop.signal }))
    if (type !== 'trust') told += 1
}
