import { chmodSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { LabError } from '../../protocol/index.ts'
import type {
  ClusterCapabilities,
  ClusterDriver,
  MemberEvent,
  MemberProcess,
} from './cluster-driver.ts'
import { parseEtcdVersion } from './etcd-version.ts'
import { clientSocket, labRoom, memberFlags, peerSocket, type MemberRoom } from './flags.ts'
import { readMemberLog, tellingLines, trimMemberLog } from './member-log.ts'
import { EtcdProcess } from './member-process.ts'
import { untilServes } from './until-serves.ts'

export interface ProcessDriverOptions {
  /** The etcd binary, absolute. */
  readonly etcdPath: string
  /** What that binary's `--version` says; flags are chosen by it. */
  readonly etcdVersion: string
  /** The lab's directory, absolute: made here with mode 0700, removed by `close`. */
  readonly dir: string
  readonly memberNames?: readonly string[]
  /** How long `start` may take; 30 s by default. */
  readonly startTimeoutMs?: number
  /** `labRoom` by default. */
  readonly room?: MemberRoom
}

/** Linux takes 107 bytes of socket path, macOS 103; `<name>:2380` and NUL need a few. */
const maxSocketPath = 100
const logTrimMs = 5000
const shownLogLines = 5
const searchedLogLines = 100

/** Members as child processes of the server, on Unix sockets in one private directory. */
export function createProcessDriver(options: ProcessDriverOptions): ClusterDriver {
  return new ProcessDriver(options)
}

class ProcessDriver implements ClusterDriver {
  readonly capabilities: ClusterCapabilities = { kill: true, stop: true, pause: true, logs: true }
  readonly #dir: string
  readonly #etcdPath: string
  readonly #startTimeoutMs: number
  readonly #members: ReadonlyMap<string, EtcdProcess>
  readonly #listeners = new Set<(event: MemberEvent) => void>()
  readonly #closing = new AbortController()
  readonly #trimming: NodeJS.Timeout
  #closed: Promise<void> | null = null

  constructor(options: ProcessDriverOptions) {
    const names = options.memberNames ?? ['etcd1', 'etcd2', 'etcd3']
    this.#dir = options.dir
    this.#etcdPath = options.etcdPath
    this.#startTimeoutMs = options.startTimeoutMs ?? 30_000
    checkDirectory(this.#dir, names)
    this.#members = new Map(names.map((name) => [name, this.#createMember(name, names, options)]))
    makePrivateDirectory(this.#dir)
    this.#trimming = setInterval(() => {
      for (const name of names) trimMemberLog(this.#logPath(name))
    }, logTrimMs)
    this.#trimming.unref()
  }

  members(): readonly MemberProcess[] {
    return [...this.#members.values()].map((member) => member.view())
  }

  async start(name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const member = this.#find(name)
    options.signal?.throwIfAborted()
    member.spawn()
    try {
      await this.#untilServes(name, member, options.signal)
    } catch (error) {
      await member.end()
      throw error
    }
    member.serves()
  }

  async stop(name: string): Promise<void> {
    await this.#find(name).stop()
  }

  async kill(name: string): Promise<void> {
    await this.#find(name).kill()
  }

  async pause(name: string): Promise<void> {
    await this.#find(name).pause()
  }

  async resume(name: string): Promise<void> {
    await this.#find(name).resume()
  }

  async logs(name: string, options: { lines: number }): Promise<string[]> {
    this.#find(name)
    return await this.#readLog(name, options.lines)
  }

  onChange(listener: (event: MemberEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce()
    return this.#closed
  }

  async #closeOnce(): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#trimming)
    const endings = await Promise.allSettled([...this.#members.values()].map((each) => each.end()))
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 3 })
    this.#listeners.clear()
    const failed = endings.find((ending) => ending.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #createMember(
    name: string,
    names: readonly string[],
    { etcdPath, etcdVersion, dir, room = labRoom }: ProcessDriverOptions,
  ): EtcdProcess {
    return new EtcdProcess({
      name,
      clientUrl: `unix://${clientSocket(dir, name)}`,
      command: etcdPath,
      args: memberFlags({ version: parseEtcdVersion(etcdVersion), name, names, dir, room }),
      environment: room.environment,
      dir,
      logPath: this.#logPath(name),
      onChange: (event) => {
        for (const listener of this.#listeners) listener(event)
      },
    })
  }

  async #untilServes(name: string, member: EtcdProcess, signal?: AbortSignal): Promise<void> {
    await untilServes({
      name,
      client: { socketPath: clientSocket(this.#dir, name) },
      peer: { socketPath: peerSocket(this.#dir, name) },
      states: () => [...this.#members.values()].map(({ state }) => state),
      ended: () => (member.alive ? null : endedWhileStarting(member)),
      timeoutMs: this.#startTimeoutMs,
      signal,
      closing: this.#closing.signal,
      failure: (reason) => this.#startError(name, reason),
    })
  }

  async #startError(name: string, reason: string): Promise<LabError> {
    const lines = await this.#readLog(name, searchedLogLines)
    const last = tellingLines(lines, shownLogLines).join('\n')
    return new LabError(
      'MEMBER_START_FAILED',
      `${name} did not start: ${reason}${last === '' ? '' : `\n${last}`}`,
      { cause: this.#members.get(name)?.spawnError ?? undefined, details: { member: name } },
    )
  }

  #find(name: string): EtcdProcess {
    if (this.#closed !== null) throw closedError()
    const member = this.#members.get(name)
    if (member !== undefined) return member
    const known = [...this.#members.keys()].join(', ')
    throw new LabError('NO_SUCH_MEMBER', `There is no member ${name}; there are ${known}`, {
      details: { member: name },
    })
  }

  /** Without where this machine keeps its labs and its programs: readers see these lines. */
  async #readLog(name: string, count: number): Promise<string[]> {
    const lines = await readMemberLog(this.#logPath(name), count)
    return lines.map((line) =>
      line.replaceAll(`${this.#dir}/`, '').replaceAll(this.#etcdPath, basename(this.#etcdPath)),
    )
  }

  #logPath(name: string): string {
    return join(this.#dir, `${name}.log`)
  }
}

function endedWhileStarting(member: EtcdProcess): string {
  if (member.spawnError !== null) return member.spawnError.message
  const { exit, state } = member.view()
  return `its process ended (${state}, code ${exit?.code}, signal ${exit?.signal})`
}

function closedError(): LabError {
  return new LabError('CLOSED', 'The cluster is closed')
}

function checkDirectory(dir: string, names: readonly string[]): void {
  const longest = Math.max(...names.map((name) => Buffer.byteLength(peerSocket(dir, name))))
  // The path becomes part of a URL and of comma-separated flags.
  if (isAbsolute(dir) && /^[\w/.+~@-]+$/.test(dir) && longest <= maxSocketPath) return
  throw new LabError(
    'CONFIG',
    `A lab cannot live in ${dir}: expected an absolute path of letters, digits and /._+~@-, ` +
      `short enough for sockets of ${maxSocketPath} bytes (here: ${longest})`,
  )
}

function makePrivateDirectory(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
}
