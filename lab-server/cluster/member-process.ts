import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { LabError, type ProcessState } from '../../protocol/index.ts'
import type { MemberEvent, MemberProcess } from './cluster-driver.ts'
import { openMemberLog } from './member-log.ts'
import { untilStopped } from './stopped-process.ts'

export interface MemberProcessOptions {
  readonly name: string
  readonly clientUrl: string
  readonly command: string
  readonly args: readonly string[]
  /** All of it. */
  readonly environment: Readonly<Record<string, string>>
  /** Working directory. */
  readonly dir: string
  readonly logPath: string
  readonly onChange: (event: MemberEvent) => void
}

/** How long a member may take over SIGTERM before it gets SIGKILL. */
const stopGraceMs = 10_000
/** How long the kernel may take to stop or to reap a process. */
const signalLimitMs = 10_000

const endedStates: ReadonlySet<ProcessState> = new Set(['stopped', 'killed', 'exited'])
const runningOnly: ReadonlySet<ProcessState> = new Set(['running'])
const pausedOnly: ReadonlySet<ProcessState> = new Set(['paused'])
const aliveStates: ReadonlySet<ProcessState> = new Set(['starting', 'running', 'paused'])

/** One member's process: spawns it, signals it, and says what it saw. Restarted as often as wanted. */
export class EtcdProcess {
  readonly #options: MemberProcessOptions
  #state: ProcessState = 'stopped'
  #since = Date.now()
  #child: ChildProcess | null = null
  #exit: MemberProcess['exit'] = null
  /** What state an exit leads to: set by whoever asked for it. */
  #endsAs: ProcessState = 'exited'
  #gone: Promise<void> = Promise.resolve()
  #spawnError: Error | null = null

  constructor(options: MemberProcessOptions) {
    this.#options = options
  }

  view(): MemberProcess {
    return {
      name: this.#options.name,
      clientUrl: this.#options.clientUrl,
      state: this.#state,
      since: this.#since,
      pid: this.#child?.pid ?? null,
      exit: this.#exit,
    }
  }

  get state(): ProcessState {
    return this.#state
  }

  get alive(): boolean {
    return aliveStates.has(this.#state)
  }

  /** Resolves when the process that runs now has ended; at once when none runs. */
  get gone(): Promise<void> {
    return this.#gone
  }

  /** Starts the process. It is `starting` until `serves()` is called. */
  spawn(): void {
    this.#demand('start', endedStates)
    this.#endsAs = 'exited'
    const { command, args, environment, dir, logPath } = this.#options
    const log = openMemberLog(logPath)
    // Detached: a session of its own, so that Ctrl-C in the terminal reaches the server only.
    const child = spawn(command, args, {
      cwd: dir,
      env: environment,
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    this.#child = child
    this.#gone = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#ended(child, { code, signal })
        resolve()
      })
      child.once('error', (error) => {
        // Without a pid the process never was, and no `exit` follows.
        if (child.pid !== undefined) return
        this.#spawnError = error
        this.#ended(child, null)
        resolve()
      })
    })
    this.#spawnError = null
    this.#change('starting')
  }

  /** Why the process could not be spawned at all; null when it could. */
  get spawnError(): Error | null {
    return this.#spawnError
  }

  serves(): void {
    if (this.#state === 'starting') this.#change('running')
  }

  async stop(): Promise<void> {
    this.#demand('stop', aliveStates)
    this.#endsAs = 'stopped'
    this.#signal('SIGTERM')
    if (this.#state === 'paused') this.#signal('SIGCONT')
    const ended = await this.#endedWithin(stopGraceMs)
    if (!ended) await this.#forceEnd()
  }

  async kill(): Promise<void> {
    this.#demand('kill', aliveStates)
    this.#endsAs = 'killed'
    await this.#forceEnd()
  }

  /** SIGKILL whatever runs, in any state; for `close`. */
  async end(): Promise<void> {
    if (!this.alive) return
    this.#endsAs = 'killed'
    await this.#forceEnd()
  }

  async pause(): Promise<void> {
    this.#demand('pause', runningOnly)
    const signalled = performance.now()
    await this.#signalUntil('SIGSTOP', true)
    this.#demand('pause', runningOnly)
    // The member is silent from the signal on, not from when it was seen stopped.
    this.#change('paused', signalled)
  }

  async resume(): Promise<void> {
    this.#demand('resume', pausedOnly)
    await this.#signalUntil('SIGCONT', false)
    this.#demand('resume', pausedOnly)
    this.#change('running')
  }

  async #forceEnd(): Promise<void> {
    this.#signal('SIGKILL')
    if (await this.#endedWithin(signalLimitMs)) return
    throw new LabError(
      'INTERNAL',
      `${this.#options.name} (pid ${this.#child?.pid}) did not end within ${signalLimitMs} ms of SIGKILL`,
    )
  }

  /** Sends a signal and waits until the kernel says what it should: stopped, or not. */
  async #signalUntil(signal: NodeJS.Signals, stopped: boolean): Promise<void> {
    const child = this.#child
    this.#signal(signal)
    const alive = () => this.#child === child
    if (await untilStopped({ pid: child?.pid, stopped, alive, limitMs: signalLimitMs })) return
    const { name } = this.#options
    throw new LabError('MEMBER_STATE', `${name} did not react to ${signal}: it is ${this.#state}`, {
      details: { member: name, state: this.#state },
    })
  }

  async #endedWithin(ms: number): Promise<boolean> {
    const abandon = new AbortController()
    const late = delay(ms, false, { signal: abandon.signal }).catch(() => false)
    const ended = await Promise.race([this.#gone.then(() => true), late])
    abandon.abort()
    return ended
  }

  #signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  #ended(child: ChildProcess, exit: MemberProcess['exit']): void {
    if (this.#child !== child) return
    this.#child = null
    this.#exit = exit
    this.#change(this.#endsAs)
  }

  #change(state: ProcessState, monotonic = performance.now()): void {
    // Not timeOrigin + monotonic: the two clocks part when the machine sleeps.
    const at = Date.now() - (performance.now() - monotonic)
    this.#state = state
    this.#since = at
    this.#options.onChange({ member: this.#options.name, state, monotonic, at })
  }

  #demand(verb: string, allowed: ReadonlySet<ProcessState>): void {
    if (allowed.has(this.#state)) return
    const { name } = this.#options
    throw new LabError('MEMBER_STATE', `Cannot ${verb} ${name}: it is ${this.#state}`, {
      details: { member: name, state: this.#state, action: verb },
    })
  }
}
