import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { etcdUnderTest } from './test-lab.ts'
import { waitFor } from './wait-for.ts'

export interface PlainEtcdOptions {
  /** 1 by default. */
  readonly members?: number
  /** Further flags of every member. */
  readonly flags?: readonly string[]
  /** Clients are served on a loopback port with TLS too, besides the socket. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
}

/** etcd as an operator may run it, with flags and listeners that a lab's members do not have. */
export interface PlainEtcd {
  /** `unix://…`, one for each member. */
  readonly endpoints: readonly string[]
  /** `https://127.0.0.1:…`, one for each member; empty without TLS. */
  readonly tlsEndpoints: readonly string[]
  /** Answers what it prints. `input` is what it reads. */
  etcdctl(args: readonly string[], input?: string): Promise<string>
  /** SIGKILL; resolves when the process is gone. */
  kill(endpoint: string): Promise<void>
  /** Resolves when the member serves clients. */
  start(endpoint: string): Promise<void>
  /** Ends every member and removes their data. */
  close(): Promise<void>
}

interface Member {
  readonly endpoint: string
  readonly tlsEndpoint: string | null
  readonly args: readonly string[]
  child: ChildProcess | null
}

export async function startPlainEtcd(options: PlainEtcdOptions = {}): Promise<PlainEtcd> {
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-etcd-')))
  const names = Array.from({ length: options.members ?? 1 }, (_, index) => `m${index + 1}`)
  const members = await Promise.all(names.map((name) => plan(name, { ...options, dir, names })))
  const endpoints = members.map(({ endpoint }) => endpoint)

  function memberAt(endpoint: string): Member {
    const member = members.find((each) => each.endpoint === endpoint)
    if (!member) throw new Error(`no member listens on ${endpoint}`)
    return member
  }

  async function etcdctl(args: readonly string[], input = ''): Promise<string> {
    const program = path.join(path.dirname(etcdUnderTest()), 'etcdctl')
    return run(program, [`--endpoints=${endpoints.join(',')}`, ...args], input)
  }

  async function close(): Promise<void> {
    await Promise.all(members.map(kill))
    await rm(dir, { recursive: true, force: true })
  }

  try {
    await Promise.all(members.map((member) => start(member, dir)))
  } catch (error) {
    await close()
    throw error
  }
  return {
    endpoints,
    tlsEndpoints: members.flatMap(({ tlsEndpoint }) => tlsEndpoint ?? []),
    etcdctl,
    kill: (endpoint) => kill(memberAt(endpoint)),
    start: (endpoint) => start(memberAt(endpoint), dir),
    close,
  }
}

/**
 * Turns authentication on: `root` (password `root`), and `ming` (password `ming`), who may read and
 * write below /rpc/ and nothing else.
 */
export async function enableAuth(etcd: PlainEtcd): Promise<void> {
  await addUsers(etcd)
  await etcd.etcdctl(['auth', 'enable'])
}

/** The users of `enableAuth`, before authentication is turned on. */
export async function addUsers(etcd: Pick<PlainEtcd, 'etcdctl'>): Promise<void> {
  await etcd.etcdctl(['user', 'add', 'root:root'])
  await etcd.etcdctl(['user', 'grant-role', 'root', 'root'])
  await etcd.etcdctl(['role', 'add', 'rpc'])
  await etcd.etcdctl(['role', 'grant-permission', 'rpc', 'readwrite', '/rpc/', '--prefix'])
  await etcd.etcdctl(['user', 'add', 'ming:ming'])
  await etcd.etcdctl(['user', 'grant-role', 'ming', 'rpc'])
}

async function plan(
  name: string,
  { dir, names, flags = [], tls }: PlainEtcdOptions & { dir: string; names: readonly string[] },
): Promise<Member> {
  const endpoint = `unix://${path.join(dir, `${name}.sock`)}`
  const tlsEndpoint = tls === undefined ? null : `https://127.0.0.1:${await freePort()}`
  const peer = (each: string): string => `unix://${each}:2380`
  return {
    endpoint,
    tlsEndpoint,
    child: null,
    args: [
      `--name=${name}`,
      `--data-dir=${path.join(dir, name)}`,
      `--listen-client-urls=${[endpoint, ...(tlsEndpoint === null ? [] : [tlsEndpoint])].join(',')}`,
      `--advertise-client-urls=${tlsEndpoint ?? `http://${name}:2379`}`,
      `--listen-peer-urls=${peer(name)}`,
      `--initial-advertise-peer-urls=${peer(name)}`,
      `--initial-cluster=${names.map((each) => `${each}=${peer(each)}`).join(',')}`,
      ...(tls === undefined ? [] : [`--cert-file=${tls.certFile}`, `--key-file=${tls.keyFile}`]),
      '--unsafe-no-fsync',
      // The cheapest: these passwords protect nothing, and each authentication costs as much.
      '--bcrypt-cost=4',
      '--log-outputs=stderr',
      ...flags,
    ],
  }
}

async function start(member: Member, dir: string): Promise<void> {
  const child = spawn(etcdUnderTest(), member.args, {
    cwd: dir,
    env: { GOMAXPROCS: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  member.child = child
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)))
  await waitFor('etcd to serve clients', () => {
    if (child.exitCode !== null) throw new Error(`etcd ended: ${log.slice(-1000)}`)
    return log.includes('ready to serve client requests') || log.slice(-300)
  })
}

async function kill({ child }: Member): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env: {}, timeout: 15_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`etcdctl ${args.slice(1).join(' ')}: ${stderr}`, { cause: error }))
    })
    child.stdin?.end(input)
  })
}
