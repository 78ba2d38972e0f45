import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import type { Registry, ServiceInstance } from '../../lab-server/registry/registry.ts'
import { restoreData, saveData } from './restore-data.ts'
import { bringBackAll, createTestDriver, etcdUnderTest } from './test-lab.ts'
import { waitFor } from './wait-for.ts'

const run = promisify(execFile)

/** Makes the registry under test over a client; the world closes both. */
export type CreateRegistry<R extends Registry = Registry> = (client: EtcdClient) => R

/** A provider in a process of its own, registered and kept alive. */
export interface ProviderProcess {
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

/** Registries over one real cluster of three, and everything that can happen to it. */
export interface RegistryWorld<R extends Registry = Registry> {
  /**
   * A registry with connections of its own, as another process would have: to the named members, the
   * one to ask first at the front; by default to all.
   */
  open(...members: string[]): R
  startProvider(instance: ServiceInstance, ttlSeconds: number): Promise<ProviderProcess>
  /** A client of the test's own: what is really in etcd, and changes behind the registry's back. */
  readonly etcd: EtcdClient
  readonly driver: ClusterDriver
  /** The member that names itself leader and answers. */
  leader(): Promise<string>
  /** Kills the leader; resolves with its name when another one leads. */
  killLeader(): Promise<string>
  /** The real etcdctl on every member that runs. Resolves with what it printed. */
  etcdctl(...args: string[]): Promise<string>
  /** Forgets everything older than the newest revision. */
  compact(): Promise<void>
  /** Copies the data as it is now (`etcdctl snapshot save`). Resolves with the file. */
  save(): Promise<string>
  /**
   * Kills every member and starts all of them again from the copy, as an operator would after a
   * disaster. With another token the cluster gets another id.
   */
  restore(copy: string, options?: { token?: string }): Promise<void>
  /** Starts or resumes every member that is away, and waits for a leader. */
  heal(): Promise<void>
  close(): Promise<void>
}

export async function createRegistryWorld<R extends Registry>(
  create: CreateRegistry<R>,
): Promise<RegistryWorld<R>> {
  const lab = await createTestDriver()
  const { driver } = lab
  const urls = driver.members().map(({ clientUrl }) => clientUrl)
  const etcd = new EtcdClient({ endpoints: urls })
  const opened: { registry: R; client: EtcdClient }[] = []
  const providers: ChildProcess[] = []

  function open(...members: string[]): R {
    const endpoints = members.length === 0 ? urls : members.map((name) => urlOf(driver, name))
    const client = new EtcdClient({ endpoints })
    const registry = create(client)
    opened.push({ registry, client })
    return registry
  }

  async function startProvider(
    instance: ServiceInstance,
    ttlSeconds: number,
  ): Promise<ProviderProcess> {
    const script = fileURLToPath(new URL('provider-process.ts', import.meta.url))
    const args = [script, urls.join(','), String(ttlSeconds), JSON.stringify(instance)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    providers.push(child)
    await once(child.stdout, 'data')
    return {
      kill: () => kill(child),
      pause: () => void child.kill('SIGSTOP'),
      resume: () => void child.kill('SIGCONT'),
    }
  }

  async function killLeader(): Promise<string> {
    const name = await findLeader(driver)
    await driver.kill(name)
    await findLeader(driver)
    return name
  }

  async function etcdctl(...args: string[]): Promise<string> {
    const binary = join(dirname(etcdUnderTest()), 'etcdctl')
    const endpoints = driver.members().filter(({ state }) => state === 'running')
    const list = endpoints.map(({ clientUrl }) => clientUrl).join(',')
    return (await run(binary, [`--endpoints=${list}`, ...args])).stdout
  }

  async function compact(): Promise<void> {
    const { header } = await etcd.range({ key: 'any', countOnly: true })
    await etcdctl('compact', header.revision)
  }

  async function heal(): Promise<void> {
    await bringBackAll(driver)
    await findLeader(driver)
  }

  async function close(): Promise<void> {
    for (const { registry, client } of opened) {
      await registry.close()
      client.close()
    }
    etcd.close()
    await Promise.all(providers.map(kill))
    await lab.remove()
  }

  await bringBackAll(driver)
  await findLeader(driver)
  const leader = () => findLeader(driver)
  const save = () => saveData(driver, join(lab.labDir, 'copy.db'))
  const restore: RegistryWorld['restore'] = async (copy, options = {}) => {
    await restoreData({ driver, labDir: lab.labDir, copy, ...options })
    await findLeader(driver)
  }
  const leaders = { leader, killLeader }
  const data = { etcdctl, compact, save, restore }
  return { open, startProvider, etcd, driver, ...leaders, ...data, heal, close }
}

function urlOf(driver: ClusterDriver, name: string): string {
  const member = driver.members().find((each) => each.name === name)
  if (!member) throw new Error(`no member is called ${name}`)
  return member.clientUrl
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Asks every running member by itself, until one says that it leads. */
async function findLeader(driver: ClusterDriver): Promise<string> {
  let leader = ''
  await waitFor('a member that leads', async () => {
    const running = driver.members().filter(({ state }) => state === 'running')
    const answers = await Promise.allSettled(
      running.map(({ name, clientUrl }) => leads(clientUrl).then((yes) => ({ name, yes }))),
    )
    const found = answers.find((answer) => answer.status === 'fulfilled' && answer.value.yes)
    if (found?.status !== 'fulfilled') return `${running.length} members run, none of them leads`
    leader = found.value.name
    return true
  })
  return leader
}

async function leads(clientUrl: string): Promise<boolean> {
  const member = connectMember(clientUrl)
  try {
    const { leaderId, memberId } = await member.status({ deadlineMs: 500 })
    return leaderId === memberId
  } finally {
    member.close()
  }
}
