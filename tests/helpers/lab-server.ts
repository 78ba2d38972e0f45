import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { processesNaming } from '../../lab-server/cluster/processes-naming.ts'
import { waitFor } from './wait-for.ts'

export interface LabServerOptions {
  /** Settings beside the defaults of a test: PORT=0, an own data directory, LOG_LEVEL=debug. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the built site is; default: a tiny site of two languages. */
  readonly siteDir?: string
  /** Runs the server in a process group of its own, which `signalGroup` reaches. */
  readonly ownGroup?: boolean
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Where a lab server can be reached, whatever runs it. */
export interface LabAddress {
  /** As the server printed it, with the base path; ends with `/`. */
  readonly url: string
  /** The WebSocket's address. */
  readonly socketUrl: string
}

/** A real lab server: a process of its own, on a free port, with a data directory of its own. */
export interface LabServer extends LabAddress {
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  stdout(): string
  stderr(): string
  signal(signal: NodeJS.Signals): void
  /** Needs `ownGroup`. */
  signalGroup(signal: NodeJS.Signals): void
  /** Resolves when the process has ended. */
  exited(): Promise<Exit>
  /** What the server should not leave behind: its entries in the data directory, pids that name it. */
  leftovers(): Promise<{ readonly files: readonly string[]; readonly pids: readonly number[] }>
  /** SIGTERM, waits, and removes the directories. */
  close(): Promise<void>
}

const program = path.resolve(import.meta.dirname, '../../lab-server/main.ts')
const endLimitMs = 20_000

/** Resolves when the server has printed its address. */
export async function startLabServer(options: LabServerOptions = {}): Promise<LabServer> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-test-')))
  const dataDir = path.join(root, 'd')
  mkdirSync(dataDir)
  const started = runServer(
    {
      PORT: '0',
      // A test runner that is killed leaves no server behind.
      LAB_EXIT_WITH_PARENT: '1',
      LAB_DATA_DIR: dataDir,
      SITE_DIR: options.siteDir ?? writeTinySite(root),
      ...options.env,
    },
    options.ownGroup === true,
  )
  const removeAll = () => rm(root, { recursive: true, force: true })
  try {
    const url = await readAddress(started)
    return describe(started, url, dataDir, removeAll)
  } catch (error) {
    started.child.kill('SIGKILL')
    await started.exited
    await removeAll()
    throw error
  }
}

/** Runs the server until it ends by itself, as it does when it cannot start. */
export async function runLabServer(
  env: Readonly<Record<string, string>>,
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const { child, output, exited } = runServer(env, false)
  const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs)
  const exit = await exited
  clearTimeout(limit)
  return { ...exit, ...output }
}

interface Started {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly exited: Promise<Exit>
}

function runServer(env: Readonly<Record<string, string>>, ownGroup: boolean): Started {
  const child = spawn(process.execPath, [program], {
    env: { LOG_LEVEL: 'debug', ...fromEnvironment('PATH', 'LAB_ETCD_DIR', 'TMPDIR'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return { child, output, exited }
}

function fromEnvironment(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

async function readAddress({ child, output }: Started): Promise<string> {
  const address = () => /Ming Registry Lab: (\S+)/.exec(output.stdout)?.[1]
  const look = () => {
    if (address() !== undefined) return true
    return `${child.exitCode === null ? '' : 'it ended: '}${output.stdout}${output.stderr}`
  }
  await waitFor('the address of the lab server', look, { timeoutMs: 30_000 })
  return address() ?? ''
}

/** @param url with the base path; ends with `/` */
export function labAddress(url: string): LabAddress {
  const { host, pathname } = new URL(url)
  return { url, socketUrl: `ws://${host}${pathname}ws` }
}

function describe(
  { child, output, exited }: Started,
  url: string,
  dataDir: string,
  removeAll: () => Promise<void>,
): LabServer {
  const pid = child.pid ?? 0
  return {
    ...labAddress(url),
    port: Number(new URL(url).port),
    pid,
    dataDir,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => child.kill(signal),
    signalGroup: (signal) => process.kill(-pid, signal),
    exited: () => exited,
    leftovers: async () => ({
      files: readdirSync(dataDir),
      pids: await processesNaming(dataDir),
    }),
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        const limit = setTimeout(() => child.kill('SIGKILL'), endLimitMs)
        await exited
        clearTimeout(limit)
      }
      await removeAll()
    },
  }
}

function writeTinySite(root: string): string {
  const site = path.join(root, 'site')
  const files = {
    'index.html': '<title>Home</title>',
    '404.html': '<title>Not found</title>',
    'guide/index.html': '<title>Guide</title>',
    'zh-cn/index.html': '<title>首页</title>',
    'zh-cn/404/index.html': '<title>找不到页面</title>',
    '_astro/page.AbC123.js': 'export {}',
    'favicon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  }
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(site, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  return site
}
