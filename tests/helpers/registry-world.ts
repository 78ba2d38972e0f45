import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import { EtcdClient, type EtcdClientOptions } from '../../lab-server/etcd/etcd-client.ts'
import type { Registry, ServiceInstance } from '../../lab-server/registry/registry.ts'
import { addUsers } from './plain-etcd.ts'
import type { ProviderArgument } from './provider-process.ts'
import { restoreData, saveData } from './restore-data.ts'
import { ordinaryUser, rootUser, type SecuredEtcd } from './secured-etcd.ts'
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
  /** Gives the space that was freed back to every member that runs. */
  defragment(): Promise<void>
  /** Copies the data as it is now (`etcdctl snapshot save`). Resolves with the file. */
  save(): Promise<string>
  /**
   * Kills every member and starts all of them again from the copy, as an operator would after a
   * disaster. With another token the cluster gets another id.
   */
  restore(copy: string, options?: { token?: string }): Promise<void>
  /**
   * Removes the member from the cluster, and its data from disk, and adds one of the same name and
   * address in its place. For a secured world.
   */
  replaceMember(name: string): Promise<void>
  /** Starts or resumes every member that is away, and waits for a leader. */
  heal(): Promise<void>
  close(): Promise<void>
}

/**
 * In a secured world registries and providers connect over TLS, as an ordinary user, and whatever
 * else is asked is asked as root. The users are there; authentication is not enabled.
 */
export async function createRegistryWorld<R extends Registry>(
  create: CreateRegistry<R>,
  secured: SecuredEtcd | null = null,
): Promise<RegistryWorld<R>> {
  const lab = await createTestDriver(secured ? { etcdPath: secured.etcdPath } : {})
  const { driver } = lab
  const urls = driver.members().map(({ clientUrl }) => clientUrl)
  const etcd = new EtcdClient({ endpoints: urls, ...(secured && { credentials: rootUser }) })
  const asRoot = secured ? [`--user=${rootUser.username}:${rootUser.password}`] : []
  const opened: { registry: R; client: EtcdClient }[] = []
  const providers: ChildProcess[] = []

  function access(members: readonly string[]): EtcdClientOptions {
    const chosen = members.length === 0 ? driver.members().map(({ name }) => name) : members
    if (!secured) return { endpoints: chosen.map((name) => urlOf(driver, name)) }
    const endpoints = chosen.map((name) => secured.tlsUrl(name))
    return { endpoints, credentials: ordinaryUser, tls: secured.tls }
  }

  function open(...members: string[]): R {
    const client = new EtcdClient(access(members))
    const registry = create(client)
    opened.push({ registry, client })
    return registry
  }

  async function startProvider(
    instance: ServiceInstance,
    ttlSeconds: number,
  ): Promise<ProviderProcess> {
    const script = fileURLToPath(new URL('provider-process.ts', import.meta.url))
    const argument: ProviderArgument = { client: access([]), ttlSeconds, instance }
    const child = spawn(process.execPath, [script, JSON.stringify(argument)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    providers.push(child)
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the provider ended')))
    await Promise.race([once(child.stdout, 'data'), ended])
    ended.catch(() => undefined)
    return {
      kill: () => kill(child),
      pause: () => void child.kill('SIGSTOP'),
      resume: () => void child.kill('SIGCONT'),
    }
  }

  /** Asks every running member by itself, until one says that it leads. */
  async function leader(): Promise<string> {
    // Whoever asks one member at a time does not replace a token that is held back.
    await etcd.range({ key: 'any', countOnly: true }, { deadlineMs: 30_000 })
    let found = ''
    await waitFor('a member that leads', async () => {
      const asked = running()
      const answers = await Promise.allSettled(
        asked.map(async ({ name, clientUrl }) => ((await leads(clientUrl)) ? name : '')),
      )
      const names = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : ''))
      found = names.find((name) => name !== '') ?? ''
      return found !== '' || `${asked.length} members run, none of them leads`
    })
    return found
  }

  async function leads(clientUrl: string): Promise<boolean> {
    const member = etcd.connectMember(clientUrl)
    const limit = { deadlineMs: 2000 }
    try {
      const { leaderId, memberId } = await etcd.asUser('status', () => member.status(limit), limit)
      return leaderId === memberId
    } finally {
      member.close()
    }
  }

  async function killLeader(): Promise<string> {
    const name = await leader()
    await driver.kill(name)
    await leader()
    return name
  }

  const running = () => driver.members().filter(({ state }) => state === 'running')

  function etcdctl(...args: string[]): Promise<string> {
    return etcdctlOn(running(), args)
  }

  async function etcdctlOn(
    members: readonly { readonly clientUrl: string }[],
    args: readonly string[],
  ): Promise<string> {
    const binary = join(dirname(etcdUnderTest()), 'etcdctl')
    const list = members.map(({ clientUrl }) => clientUrl).join(',')
    return (await run(binary, [`--endpoints=${list}`, ...asRoot, ...args])).stdout
  }

  async function defragment(): Promise<void> {
    // One by one: a token may not last for all.
    for (const member of running()) await etcdctlOn([member], ['defrag'])
  }

  async function compact(): Promise<void> {
    const { header } = await etcd.range({ key: 'any', countOnly: true })
    await etcdctl('compact', header.revision)
  }

  async function heal(): Promise<void> {
    await bringBackAll(driver)
    await leader()
  }

  async function replaceMember(name: string): Promise<void> {
    const { members } = await etcd.memberList()
    const former = members.find((member) => member.name === name)
    if (!secured || !former) throw new Error(`no member ${name} can be replaced here`)
    await driver.kill(name)
    // etcd wants to see the others connected for five seconds before it lets go of one or takes one.
    await untilAccepted('member', 'remove', former.id)
    await rm(join(lab.labDir, name), { recursive: true })
    await untilAccepted('member', 'add', name, `--peer-urls=${former.peerUrls.join()}`)
    await secured.joinExisting()
    await driver.start(name)
  }

  async function untilAccepted(...args: string[]): Promise<void> {
    await waitFor(args.slice(0, 2).join(' '), () => etcdctl(...args).then((): true => true))
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
  await leader()
  if (secured) await addUsers({ etcdctl: (args) => etcdctl(...args) })
  const save = () => saveData(driver, join(lab.labDir, 'copy.db'), asRoot)
  const restore: RegistryWorld['restore'] = async (copy, options = {}) => {
    await restoreData({ driver, labDir: lab.labDir, copy, ...options })
    await leader()
  }
  const leaders = { leader, killLeader }
  const data = { etcdctl, compact, defragment, save, restore, replaceMember }
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
