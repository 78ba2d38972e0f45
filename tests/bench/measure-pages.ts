import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseEtcdVersion } from '../../lab-server/cluster/etcd-version.ts'
import { createProcessDriver } from '../../lab-server/cluster/process-driver.ts'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import type { EtcdMember } from '../../lab-server/etcd/etcd-member.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'

/**
 * Measures what the pages show and writes content/data/measurements.json: three members on one
 * machine, real kills, real leases. Run by hand: `LAB_ETCD_DIR=… node tests/bench/measure-pages.ts`.
 * Every series keeps its samples, so that the charts show them all.
 */
const kills = 30
const registrations = 200
const ttls = [2, 6, 15]
const expiriesPerTtl = 10
const prefix = '/rpc/Measured:1.0/'

interface Series {
  readonly id: string
  readonly unit: 'ms' | 's'
  readonly samples: number[]
}

interface Bench {
  readonly driver: ClusterDriver
  readonly members: ReadonlyMap<string, EtcdMember>
  readonly client: EtcdClient
}

const rounded = (value: number) => Math.round(value * 100) / 100

async function findLeader(bench: Bench, among: readonly string[]): Promise<string | null> {
  const asked = among.map(async (name) => {
    const answer = await bench.members.get(name)?.status({ deadlineMs: 200 })
    return answer !== undefined && answer.leaderId === answer.memberId ? name : null
  })
  const answers = await Promise.allSettled(asked)
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  return found.find((name) => name !== null) ?? null
}

async function untilHealthy(bench: Bench): Promise<string> {
  const names = bench.driver.members().map(({ name }) => name)
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    const leader = await findLeader(bench, names)
    if (leader !== null) {
      await bench.client.put({ key: '/measure/healthy', value: leader })
      return leader
    }
    await delay(20)
  }
  throw new Error('no leader within 30 s')
}

/** Time from `start` until a survivor names another leader than `old`, asked every 5 ms. */
async function leaderlessTime(member: EtcdMember, oldId: string, start: number): Promise<number> {
  while (performance.now() - start < 20_000) {
    const answer = await member.status({ deadlineMs: 100 }).catch(() => null)
    if (answer?.leaderId && answer.leaderId !== oldId) return performance.now() - start
    await delay(5)
  }
  throw new Error('no new leader within 20 s')
}

async function measureKill(bench: Bench): Promise<{ leaderless: number; writeGap: number }> {
  const leader = await untilHealthy(bench)
  const { memberId } = (await bench.members.get(leader)?.status({ deadlineMs: 1000 })) ?? {}
  const survivors = [...bench.members].filter(([name]) => name !== leader)
  // At a random moment: the kill must not fall into step with the heartbeats.
  await delay(500 + Math.random() * 1000)
  await bench.driver.kill(leader)
  const start = performance.now()
  const [leaderless, writeGap] = await Promise.all([
    Promise.race(survivors.map(([, member]) => leaderlessTime(member, memberId ?? '', start))),
    bench.client.put({ key: '/measure/gap', value: 'x' }).then(() => performance.now() - start),
  ])
  await bench.driver.start(leader)
  return { leaderless, writeGap }
}

async function measureRegistrations(bench: Bench): Promise<{ seen: number[]; gone: number[] }> {
  const ending = new AbortController()
  const { header } = await bench.client.range({ prefix, countOnly: true })
  const told = new Map<string, (at: number) => void>()
  const watching = (async () => {
    const fromRevision = (BigInt(header.revision) + 1n).toString()
    const watch = bench.client.watch({ prefix, fromRevision, signal: ending.signal })
    for await (const batch of watch) {
      const at = performance.now()
      for (const { type, kv } of batch.events) {
        told.get(`${type} ${Buffer.from(kv.key).toString()}`)?.(at)
      }
    }
  })()
  const seen: number[] = []
  const gone: number[] = []
  for (let index = 0; index < registrations; index += 1) {
    const key = `${prefix}10.0.0.1:${index}`
    const whenTold = (type: string) =>
      new Promise<number>((resolve) => told.set(`${type} ${key}`, resolve))
    const lease = await bench.client.leaseGrant({ ttlSeconds: 30 })
    const added = whenTold('put')
    let start = performance.now()
    await bench.client.put({ key, value: '{}', lease: lease.id })
    seen.push((await added) - start)
    const removed = whenTold('delete')
    start = performance.now()
    await bench.client.leaseRevoke(lease.id)
    gone.push((await removed) - start)
  }
  ending.abort()
  await watching
  return { seen, gone }
}

/** From the last renewal that etcd confirmed until a watcher hears that the key is gone. */
async function measureExpiry(bench: Bench, ttlSeconds: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: expiriesPerTtl }, async (_, index) => {
      const key = `${prefix}10.0.${ttlSeconds}.1:${index}`
      const lease = await bench.client.leaseGrant({ ttlSeconds })
      const { header } = await bench.client.put({ key, value: '{}', lease: lease.id })
      const renewing = new AbortController()
      let renewed = performance.now()
      const dies = delay(ttlSeconds * 400 + Math.random() * ttlSeconds * 600)
      const alive = bench.client.keepAlive({
        id: lease.id,
        ttlSeconds: lease.ttlSeconds,
        signal: renewing.signal,
        onRenewed: () => (renewed = performance.now()),
      })
      await dies
      const killed = performance.now()
      renewing.abort()
      await alive
      const fromRevision = (BigInt(header.revision) + 1n).toString()
      for await (const batch of bench.client.watch({ key, fromRevision })) {
        if (batch.events.some((event) => event.type === 'delete')) {
          const at = performance.now()
          if (killed < renewed) throw new Error('renewed after its death')
          return (at - killed) / 1000
        }
      }
      throw new Error('the watch ended early')
    }),
  )
}

async function measureAll(bench: Bench): Promise<Series[]> {
  const leaderless: number[] = []
  const writeGap: number[] = []
  await untilHealthy(bench)
  const { seen, gone } = await measureRegistrations(bench)
  const expiries: Series[] = []
  for (const ttl of ttls) {
    expiries.push({ id: `expiry-${ttl}`, unit: 's', samples: await measureExpiry(bench, ttl) })
  }
  for (let index = 0; index < kills; index += 1) {
    const measured = await measureKill(bench)
    leaderless.push(measured.leaderless)
    writeGap.push(measured.writeGap)
  }
  return [
    { id: 'leaderless', unit: 'ms', samples: leaderless },
    { id: 'write-gap', unit: 'ms', samples: writeGap },
    { id: 'registration-seen', unit: 'ms', samples: seen },
    { id: 'release-seen', unit: 'ms', samples: gone },
    ...expiries,
  ]
}

async function main(): Promise<void> {
  const etcdDir = process.env['LAB_ETCD_DIR']
  if (etcdDir === undefined) throw new Error('LAB_ETCD_DIR names no directory with etcd in it')
  const etcdPath = join(etcdDir, 'etcd')
  const etcdVersion = execFileSync(etcdPath, ['--version'], { encoding: 'utf8' })
  const base = await mkdtemp(join(tmpdir(), 'ming-measure-'))
  const driver = createProcessDriver({ etcdPath, etcdVersion, dir: join(base, 'lab') })
  const urls = driver.members().map(({ clientUrl }) => clientUrl)
  const client = new EtcdClient({ endpoints: urls, deadlineMs: 20_000 })
  const members = new Map(
    driver.members().map(({ name, clientUrl }) => [name, connectMember(clientUrl)]),
  )
  try {
    await Promise.all([...members.keys()].map((name) => driver.start(name)))
    const series = await measureAll({ driver, members, client })
    const { major, minor, patch } = parseEtcdVersion(etcdVersion)
    const document = {
      run: {
        date: new Date().toISOString().slice(0, 10),
        cpu: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        etcd: `${major}.${minor}.${patch}`,
        node: process.versions.node,
        heartbeatMs: 100,
        electionMs: 1000,
      },
      series: series.map((each) => ({ ...each, samples: each.samples.map(rounded) })),
    }
    const file = join(import.meta.dirname, '../../content/data/measurements.json')
    await writeFile(file, JSON.stringify(document) + '\n')
    console.log(`wrote ${file}`)
  } finally {
    client.close()
    for (const member of members.values()) member.close()
    await driver.close()
    await rm(base, { recursive: true, force: true })
  }
}

await main()
