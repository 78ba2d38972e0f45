import { connectMember } from '../../lab-server/etcd/member.ts'
import type { EtcdMember } from '../../lab-server/etcd/etcd-member.ts'
import { bringBackAll, createTestDriver } from './test-lab.ts'
import { waitFor } from './wait-for.ts'

export interface TestMember {
  readonly name: string
  readonly clientUrl: string
  /** A connection of the test's own to this member alone. */
  readonly direct: EtcdMember
}

/** Three real etcd members as a lab has them, for tests of the etcd layer itself. */
export interface EtcdCluster {
  readonly members: readonly TestMember[]
  readonly endpoints: readonly string[]
  /** Name of the member that names itself leader and is named by one more. */
  leader(): Promise<string>
  start(name: string): Promise<void>
  kill(name: string): Promise<void>
  pause(...names: string[]): Promise<void>
  /** Resumes what is paused, starts what is dead, and waits until all three follow one leader. */
  heal(): Promise<void>
  close(): Promise<void>
}

export async function startEtcdCluster(): Promise<EtcdCluster> {
  const lab = await createTestDriver()
  const { driver } = lab
  const members = driver.members().map(({ name, clientUrl }) => {
    return { name, clientUrl, direct: connectMember(clientUrl) }
  })

  async function close(): Promise<void> {
    for (const member of members) member.direct.close()
    await lab.remove()
  }

  try {
    await bringBackAll(driver)
  } catch (error) {
    await close()
    throw error
  }

  return {
    members,
    endpoints: members.map((member) => member.clientUrl),
    leader: () => findLeader(members, 2),
    start: (name) => driver.start(name),
    kill: (name) => driver.kill(name),
    async pause(...names) {
      await Promise.all(names.map((name) => driver.pause(name)))
    },
    async heal() {
      await bringBackAll(driver)
      await findLeader(members, members.length)
    },
    close,
  }
}

async function findLeader(members: readonly TestMember[], needed: number): Promise<string> {
  let leader = ''
  await waitFor(`a leader that ${needed} members name`, async () => {
    const answers = await Promise.allSettled(
      members.map(async (member) => ({
        name: member.name,
        status: await member.direct.status({ deadlineMs: 300 }),
      })),
    )
    const seen = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    for (const { name, status } of seen) {
      const votes = seen.filter((other) => other.status.leaderId === status.memberId).length
      if (status.leaderId === status.memberId && votes >= needed) {
        leader = name
        return true
      }
    }
    return seen.map(({ name, status }) => `${name} names ${status.leaderId ?? 'none'}`).join(', ')
  })
  return leader
}
