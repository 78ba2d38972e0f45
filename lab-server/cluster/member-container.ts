import { constants } from 'node:os'
import type Docker from 'dockerode'
import { LabError, type ProcessState } from '../../protocol/index.ts'
import type { MemberEvent, MemberProcess } from './cluster-driver.ts'
import type { Listener } from './member-health.ts'

export interface MemberContainerOptions {
  /** The compose service, which is etcd's name too. */
  readonly name: string
  readonly container: Docker.Container
  readonly facts: Docker.ContainerInspectInfo
  readonly onChange: (event: MemberEvent) => void
}

type ContainerState = Docker.ContainerInspectInfo['State']

/** How long the engine lets a member take over SIGTERM before SIGKILL, seconds. */
const stopGraceSeconds = 10

const endedStates: ReadonlySet<ProcessState> = new Set(['stopped', 'killed', 'exited'])
const runningOnly: ReadonlySet<ProcessState> = new Set(['running'])
const pausedOnly: ReadonlySet<ProcessState> = new Set(['paused'])
const aliveStates: ReadonlySet<ProcessState> = new Set(['starting', 'running', 'paused'])

/**
 * One member's container: asks the engine to signal it, and says what the engine said of it. What
 * others do to the container is seen too, by `noticed` and `ended`.
 */
export class MemberContainer {
  readonly name: string
  readonly clientUrl: string
  readonly client: Listener
  readonly peer: Listener | null
  readonly #onChange: (event: MemberEvent) => void
  #container: Docker.Container
  #state: ProcessState
  #since: number
  #pid: number | null
  #exit: MemberProcess['exit']
  #startedAt: number
  /** What state an exit leads to: set by whoever asked for it. */
  #endsAs: ProcessState = 'exited'
  /** While a command of ours is under way, it is what says how that went. */
  #busy = false
  #pausedByUs = false

  constructor({ name, container, facts, onChange }: MemberContainerOptions) {
    const client = publishedPort(facts, 2379)
    if (client === null) {
      const message = `The container of ${name} publishes no port for clients (2379)`
      throw new LabError('CONFIG', message)
    }
    this.name = name
    this.client = client
    this.clientUrl = `http://${client.host}:${client.port}`
    this.peer = publishedPort(facts, 2380)
    this.#container = container
    this.#onChange = onChange
    this.#state = firstState(facts.State)
    this.#since = Date.parse(facts.State.Running ? facts.State.StartedAt : facts.State.FinishedAt)
    this.#pid = pidOf(facts.State)
    this.#exit = this.#state === 'stopped' && !everRan(facts.State) ? null : exitOf(facts.State)
    this.#startedAt = Date.parse(facts.State.StartedAt)
  }

  get id(): string {
    return this.#container.id
  }

  get container(): Docker.Container {
    return this.#container
  }

  get state(): ProcessState {
    return this.#state
  }

  get alive(): boolean {
    return aliveStates.has(this.#state)
  }

  view(): MemberProcess {
    return {
      name: this.name,
      clientUrl: this.clientUrl,
      state: this.#state,
      since: this.#since,
      pid: this.#pid,
      exit: this.#exit,
    }
  }

  /** It is `starting` from now on, until `serves()` is called; `launch` follows. */
  starts(): void {
    this.#demand('start', endedStates)
    this.#endsAs = 'exited'
    // What is told of an end until the new process is known is about the one before it.
    this.#startedAt = Infinity
    this.#change('starting')
  }

  async launch(): Promise<void> {
    await this.#command('start', () => this.#container.start())
  }

  serves(): void {
    if (this.#state === 'starting') this.#change('running')
  }

  async stop(): Promise<void> {
    this.#demand('stop', aliveStates)
    this.#endsAs = 'stopped'
    const paused = this.#state === 'paused'
    await this.#command('stop', async () => {
      if (paused) await this.#container.unpause()
      await this.#container.stop({ t: stopGraceSeconds })
    })
  }

  async kill(): Promise<void> {
    this.#demand('kill', aliveStates)
    this.#endsAs = 'killed'
    await this.#command('kill', () => this.#container.kill({ signal: 'SIGKILL' }))
  }

  async pause(): Promise<void> {
    this.#demand('pause', runningOnly)
    const asked = performance.now()
    await this.#command('pause', () => this.#container.pause(), asked)
    this.#demand('pause', pausedOnly)
    this.#pausedByUs = true
  }

  async resume(): Promise<void> {
    this.#demand('resume', pausedOnly)
    await this.#command('resume', () => this.#container.unpause())
    this.#demand('resume', runningOnly)
  }

  /** A member that this driver froze must not stay frozen with nobody there to know of it. */
  async release(): Promise<void> {
    if (this.#state === 'paused' && this.#pausedByUs) await this.resume()
  }

  /** The engine says that a process of this container has ended. */
  ended(code: number | null, at: number): void {
    // One that ran before the process that runs now is old news.
    if (!this.alive || at < this.#startedAt) return
    this.#end(code)
  }

  /** Something happened to the container: asks the engine what it is like now. */
  async noticed(): Promise<void> {
    if (!this.#busy) this.#take(await this.#inspect(), performance.now())
  }

  /** The service has another container now. */
  async adopt(container: Docker.Container): Promise<void> {
    this.#container = container
    await this.noticed()
  }

  async #command(verb: string, ask: () => Promise<unknown>, seenAt?: number): Promise<void> {
    this.#busy = true
    try {
      await ask()
    } catch (error) {
      throw this.#refused(verb, error)
    } finally {
      const facts = await this.#inspect().finally(() => (this.#busy = false))
      this.#take(facts, seenAt ?? performance.now())
    }
  }

  async #inspect(): Promise<ContainerState> {
    try {
      return (await this.#container.inspect()).State
    } catch (error) {
      if (statusOf(error) === 404) return gone
      const message = `The Docker engine does not say how ${this.name} is: ${textOf(error)}`
      throw new LabError('UNAVAILABLE', message, { cause: error })
    }
  }

  #take(state: ContainerState, seenAt: number): void {
    if (!state.Running) {
      if (this.alive) this.#end(state.ExitCode, seenAt)
      return
    }
    this.#pid = pidOf(state)
    this.#startedAt = Date.parse(state.StartedAt)
    if (state.Paused) {
      if (this.#state !== 'paused') this.#change('paused', seenAt)
    } else if (this.#state === 'paused') {
      this.#change('running', seenAt)
    } else if (!this.alive) {
      // Somebody else started it.
      this.#endsAs = 'exited'
      this.#change('starting', seenAt)
    }
  }

  #end(code: number | null, seenAt = performance.now()): void {
    this.#pid = null
    this.#exit = toExit(code)
    this.#change(this.#endsAs, seenAt)
  }

  #change(state: ProcessState, monotonic = performance.now()): void {
    const at = Date.now() - (performance.now() - monotonic)
    this.#state = state
    this.#since = at
    if (state !== 'paused') this.#pausedByUs = false
    this.#onChange({ member: this.name, state, monotonic, at })
  }

  #demand(verb: string, allowed: ReadonlySet<ProcessState>): void {
    if (allowed.has(this.#state)) return
    throw new LabError('MEMBER_STATE', `Cannot ${verb} ${this.name}: it is ${this.#state}`, {
      details: { member: this.name, state: this.#state, action: verb },
    })
  }

  #refused(verb: string, error: unknown): LabError {
    const status = statusOf(error)
    const details = { member: this.name, state: this.#state, action: verb }
    const what = `Cannot ${verb} ${this.name}: the Docker engine says: ${textOf(error)}`
    if (status === 404) {
      const message = `${what}. Its container is gone; docker compose up -d ${this.name} makes it anew`
      return new LabError('MEMBER_STATE', message, { cause: error, details })
    }
    const code = status === null ? 'UNAVAILABLE' : 'MEMBER_STATE'
    return new LabError(code, what, { cause: error, details })
  }
}

/** A container that is not there any more. */
const gone = { Running: false, Paused: false, ExitCode: 0, Pid: 0 } as ContainerState

function firstState(state: ContainerState): ProcessState {
  if (state.Paused) return 'paused'
  if (state.Running) return 'running'
  if (!everRan(state) || state.ExitCode === 0) return 'stopped'
  return exitOf(state)?.signal === 'SIGKILL' ? 'killed' : 'exited'
}

/** Before its first start a container has the zero of Go's time. */
function everRan(state: ContainerState): boolean {
  return Date.parse(state.StartedAt) > 0
}

function pidOf(state: ContainerState): number | null {
  return state.Running && state.Pid > 0 ? state.Pid : null
}

function exitOf(state: ContainerState): MemberProcess['exit'] {
  return state.Running ? null : toExit(state.ExitCode)
}

/** The engine tells an end by a signal as a shell does: 128 and its number. */
function toExit(code: number | null): MemberProcess['exit'] {
  const signals = Object.entries(constants.signals)
  const signal = signals.find(([, number]) => code === 128 + number)?.[0] ?? null
  return { code: signal === null ? code : null, signal }
}

function publishedPort(
  { NetworkSettings, HostConfig }: Docker.ContainerInspectInfo,
  port: number,
): { host: string; port: number } | null {
  const name = `${port}/tcp`
  // A container that does not run has only what it will be given.
  const configured = (HostConfig.PortBindings as PortBindings | null)?.[name]
  const binding = NetworkSettings.Ports[name]?.[0] ?? configured?.[0]
  if (binding === undefined || !/^[1-9]\d*$/.test(binding.HostPort)) return null
  const everywhere = ['', '0.0.0.0', '::'].includes(binding.HostIp)
  return { host: everywhere ? '127.0.0.1' : binding.HostIp, port: Number(binding.HostPort) }
}

type PortBindings = Readonly<Record<string, readonly { HostIp: string; HostPort: string }[]>>

/** HTTP status of the engine's answer; null when it did not answer. */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null
  return typeof error.statusCode === 'number' ? error.statusCode : null
}

export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim()
}
