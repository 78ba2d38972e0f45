import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectMember } from '../../lab-server/etcd/member.ts'
import type { EtcdMember } from '../../lab-server/etcd/etcd-member.ts'
import { waitFor } from './wait-for.ts'

export interface TestMember {
  readonly name: string
  readonly clientUrl: string
  /** A connection of the test's own to this member alone. */
  readonly direct: EtcdMember
}

/** Three real etcd members on unix sockets, for tests of the etcd layer itself. */
export interface EtcdCluster {
  readonly members: readonly TestMember[]
  readonly endpoints: readonly string[]
  /** Name of the member that names itself leader and is named by one more. */
  leader(): Promise<string>
  start(name: string): Promise<void>
  kill(name: string): Promise<void>
  pause(name: string): void
  resume(name: string): void
  /** Resumes what is paused, starts what is dead, and waits until all three follow one leader. */
  heal(): Promise<void>
  close(): Promise<void>
}

const names = ['etcd1', 'etcd2', 'etcd3']

const lightFlags = [
  '--unsafe-no-fsync',
  '--snapshot-count=5000',
  '--quota-backend-bytes=536870912',
  '--max-wals=2',
  '--max-snapshots=2',
  '--grpc-keepalive-min-time=1s',
  '--experimental-watch-progress-notify-interval=1s',
]

export async function startEtcdCluster(): Promise<EtcdCluster> {
  const etcdDir = process.env['LAB_ETCD_DIR']
  if (etcdDir === undefined) throw new Error('LAB_ETCD_DIR names no directory with etcd in it')
  const dir = await mkdtemp(join(tmpdir(), 'ming-etcd-'))
  const processes = new Map<string, ChildProcess>()
  const members = names.map((name) => {
    const clientUrl = `unix://${join(dir, `${name}.sock`)}`
    return { name, clientUrl, direct: connectMember(clientUrl) }
  })

  function spawnMember(name: string): void {
    const child = spawn(join(etcdDir ?? '', 'etcd'), memberFlags(dir, name), {
      cwd: dir,
      env: { GOMAXPROCS: '1' },
      stdio: 'ignore',
    })
    processes.set(name, child)
  }

  function memberNamed(name: string): TestMember {
    const found = members.find((member) => member.name === name)
    if (found === undefined) throw new Error(`no member is called ${name}`)
    return found
  }

  async function serves(name: string): Promise<void> {
    const { direct } = memberNamed(name)
    await waitFor(`${name} to serve`, async () => {
      const answer = await direct.status({ deadlineMs: 500 })
      return answer.leaderId === null ? 'it knows no leader' : true
    })
  }

  function isAlive(name: string): boolean {
    const child = processes.get(name)
    return child?.exitCode === null && child.signalCode === null
  }

  async function kill(name: string): Promise<void> {
    const child = processes.get(name)
    if (child === undefined || !isAlive(name)) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async function heal(): Promise<void> {
    for (const name of names) {
      if (isAlive(name)) processes.get(name)?.kill('SIGCONT')
      else spawnMember(name)
    }
    await Promise.all(names.map((name) => serves(name)))
    await findLeader(members, members.length)
  }

  async function close(): Promise<void> {
    for (const member of members) member.direct.close()
    await Promise.all(names.map((name) => kill(name)))
    await rm(dir, { recursive: true, force: true })
  }

  await Promise.all(names.map((name) => mkdir(join(dir, `${name}.data`), { mode: 0o700 })))
  for (const name of names) spawnMember(name)
  try {
    await Promise.all(names.map((name) => serves(name)))
  } catch (error) {
    await close()
    throw error
  }

  return {
    members,
    endpoints: members.map((member) => member.clientUrl),
    leader: () => findLeader(members, 2),
    async start(name) {
      spawnMember(name)
      await serves(name)
    },
    kill,
    heal,
    pause(name) {
      processes.get(name)?.kill('SIGSTOP')
    },
    resume(name) {
      processes.get(name)?.kill('SIGCONT')
    },
    close,
  }
}

function memberFlags(dir: string, name: string): string[] {
  const peers = names.map((peer) => `${peer}=unix://${peer}:2380`)
  return [
    `--name=${name}`,
    `--data-dir=${join(dir, `${name}.data`)}`,
    `--listen-client-urls=unix://${join(dir, `${name}.sock`)}`,
    `--advertise-client-urls=http://${name}:2379`,
    `--listen-peer-urls=unix://${name}:2380`,
    `--initial-advertise-peer-urls=unix://${name}:2380`,
    `--initial-cluster=${peers.join(',')}`,
    ...lightFlags,
  ]
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
