import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClusterMonitor } from '../../lab-server/cluster/cluster-monitor.ts'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../../lab-server/cluster/monitor.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdInspector } from '../../lab-server/etcd/inspector.ts'
import { connectMember } from '../../lab-server/etcd/member.ts'
import { createLogger } from '../../lab-server/logger.ts'
import { createProcessControl } from '../../lab-server/providers/process-control.ts'
import type { ProviderControl } from '../../lab-server/providers/provider-control.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { labLimits } from '../../lab-server/registry/naive/naive-limits.ts'
import { createNaiveRegistry } from '../../lab-server/registry/naive/naive-registry.ts'
import type { FollowingRegistry } from '../../lab-server/registry/registry.ts'
import { createShell, type CommandResult, type Shell } from '../../lab-server/shell/shell.ts'
import { LabError, type Locale } from '../../protocol/index.ts'
import { bringBackAll, createTestDriver, etcdUnderTest, etcdVersionUnderTest } from './test-lab.ts'
import { waitFor } from './wait-for.ts'

export interface Finished extends CommandResult {
  readonly out: string
  readonly err: string
  /** How often the terminal was emptied. */
  readonly clears: number
}

/** A command that runs. */
export interface RunningLine {
  /** Everything written so far, without colours. */
  text(): string
  /** Ctrl-C. */
  interrupt(): void
  readonly ended: Promise<Finished>
}

/** A shell on a real cluster of three members. */
export interface ShellLab {
  readonly shell: Shell
  readonly driver: ClusterDriver
  readonly monitor: ClusterMonitor
  readonly registry: FollowingRegistry
  readonly providers: ProviderControl
  /** For what a reader's own programs would write past the shell. */
  readonly client: EtcdClient
  readonly labDir: string
  /** Lines that the shell logged. */
  readonly log: readonly string[]
  readonly open: (line: string, view?: { locale?: Locale; columns?: number }) => RunningLine
  run(line: string, view?: { locale?: Locale; columns?: number }): Promise<Finished>
  /** Starts or resumes every member and waits for a leader. */
  heal(): Promise<void>
  close(): Promise<void>
}

const plain = (text: string) => text.replace(/\p{Cc}\[\d*m/gu, '')

export async function startShellLab(): Promise<ShellLab> {
  const cluster = await createTestDriver()
  const { driver, labDir } = cluster
  const monitor = createClusterMonitor({ driver, connect: connectMember })
  await bringBackAll(driver)
  await monitor.waitForLeader({ timeoutMs: 15_000 })
  const endpoints = driver.members().map((member) => member.clientUrl)
  const client = new EtcdClient({ endpoints })
  const registry = createEtcdRegistry({ client })
  const naive = createNaiveRegistry({ client, limits: labLimits })
  const log: string[] = []
  const providers = createProcessControl({
    dir: labDir,
    endpoints,
    onTrouble: (error) => void log.push(error.message),
  })
  const etcdctl = join(etcdUnderTest(), '..', 'etcdctl')
  const version = /\d+\.\d+\.\d+/.exec(await etcdVersionUnderTest())?.[0] ?? ''
  const shell = createShell({
    driver,
    monitor,
    registry,
    naive,
    inspector: createEtcdInspector(client),
    providers,
    etcdctl: { path: etcdctl, version },
    program: null,
    versions: { lab: '0.1.0', etcd: { version, floor: '3.5.33', outdated: true } },
    logger: createLogger({ level: 'info', format: 'json', write: (line) => void log.push(line) }),
  })

  const open: ShellLab['open'] = (line, view = {}) => openLine(shell, line, view)
  return {
    shell,
    driver,
    monitor,
    registry,
    providers,
    client,
    labDir,
    log,
    open,
    run: (line, view) => open(line, view).ended,
    async heal() {
      await bringBackAll(driver)
      await monitor.waitForLeader({ timeoutMs: 15_000 })
    },
    async close() {
      await naive.close()
      await providers.close()
      await registry.close()
      client.close()
      await monitor.close()
      await cluster.remove()
    },
  }
}

function openLine(
  shell: Shell,
  line: string,
  { locale = 'en', columns = 120 }: { locale?: Locale; columns?: number },
): RunningLine {
  const abort = new AbortController()
  const text = { out: '', err: '', all: '', clears: 0 }
  const write = (name: 'out' | 'err') => (piece: string) => {
    text[name] += piece
    text.all += piece
    return Promise.resolve()
  }
  const finished = shell.run(line, {
    locale,
    columns,
    signal: abort.signal,
    out: write('out'),
    err: write('err'),
    clear: () => {
      text.clears += 1
    },
  })
  return {
    text: () => plain(text.all),
    interrupt: () => abort.abort(new LabError('INTERRUPTED', 'Interrupted')),
    ended: finished.then((result) => ({
      ...result,
      out: plain(text.out),
      err: plain(text.err),
      clears: text.clears,
    })),
  }
}

/** Waits until a running command has written `wanted`. */
export function waitForText(running: RunningLine, wanted: string | RegExp): Promise<void> {
  return waitFor(String(wanted), () => {
    const text = running.text()
    const found = typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)
    return found || JSON.stringify(text.slice(-500))
  })
}

/** The etcdctl processes of one lab, as the kernel lists them. */
export async function etcdctlProcesses(labDir: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args='], {
    maxBuffer: 2 ** 24,
  })
  return stdout.split('\n').filter((line) => line.includes(join(labDir, 'etcdctl')))
}
