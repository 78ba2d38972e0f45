import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcessDriver } from '../../lab-server/cluster/process-driver.ts'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import type { MemberRoom } from '../../lab-server/cluster/flags.ts'
import { startReaper } from '../../lab-server/cluster/reaper.ts'
import type { EtcdMember, MemberAnswer } from '../../lab-server/etcd/etcd-member.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import { bringBackAll, etcdUnderTest, etcdVersionUnderTest } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

export interface BenchMember {
  readonly name: string
  readonly clientUrl: string
  /** For looking only, apart from whatever is measured. */
  readonly direct: EtcdMember
}

/**
 * A cluster as a lab has it: the same driver, the same flags, the same directory; with etcd's own
 * defaults for memory and quota where a `MemberRoom` says so.
 */
export interface BenchCluster {
  readonly driver: ClusterDriver
  readonly members: readonly BenchMember[]
  readonly endpoints: readonly string[]
  /** Waits until all three members name the same leader; its name and id. */
  settledLeader(): Promise<{ name: string; id: string }>
  /** Starts what is dead, resumes what is paused, and waits until the cluster is settled. */
  heal(): Promise<void>
  close(): Promise<void>
}

/** A quota and a Go runtime as etcd has them where nobody says otherwise (2 GB, no limits). */
export const defaultRoom: MemberRoom = { quotaBytes: 2 * 2 ** 30, environment: {} }

export async function startBenchCluster(room?: MemberRoom): Promise<BenchCluster> {
  const runDir = join(tmpdir(), `ming-lab-${randomBytes(4).toString('hex')}`)
  const reaper = await startReaper(runDir)
  const driver = createProcessDriver({
    etcdPath: etcdUnderTest(),
    etcdVersion: await etcdVersionUnderTest(),
    dir: join(runDir, randomBytes(4).toString('hex')),
    ...(room && { room }),
  })
  return benchCluster(driver, () => reaper.close())
}

/** What benchmarks need around a driver. `removeRest` is called after the driver is closed. */
export async function benchCluster(
  driver: ClusterDriver,
  removeRest: () => Promise<unknown>,
): Promise<BenchCluster> {
  const members = driver.members().map(({ name, clientUrl }) => ({
    name,
    clientUrl,
    direct: connectMember(clientUrl),
  }))

  async function heal(): Promise<void> {
    await bringBackAll(driver)
    await findSettledLeader(members)
  }

  async function close(): Promise<void> {
    for (const member of members) member.direct.close()
    await driver.close()
    await removeRest()
  }

  try {
    await heal()
  } catch (error) {
    await close()
    throw error
  }
  return {
    driver,
    members,
    endpoints: members.map((member) => member.clientUrl),
    settledLeader: () => findSettledLeader(members),
    heal,
    close,
  }
}

async function findSettledLeader(
  members: readonly BenchMember[],
): Promise<{ name: string; id: string }> {
  let leader = { name: '', id: '' }
  await waitFor('all members to name one leader', async () => {
    const answers = await Promise.all(members.map(askStatus))
    const named = new Set(answers.map(({ status }) => status.leaderId))
    const own = answers.find(({ status }) => status.leaderId === status.memberId)
    if (named.size !== 1 || own === undefined) return `they name ${[...named].join(', ')}`
    leader = { name: own.name, id: own.status.memberId }
    return true
  })
  return leader
}

async function askStatus(member: BenchMember): Promise<{ name: string; status: MemberAnswer }> {
  return { name: member.name, status: await member.direct.status({ deadlineMs: 500 }) }
}
