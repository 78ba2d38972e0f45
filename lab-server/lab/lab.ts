import {
  LabError,
  limits,
  toLabError,
  type ClusterSnapshot,
  type Completion,
  type FaultAction,
  type GoneReason,
  type LabState,
  type Locale,
} from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../clock.ts'
import { createIdleTimer, type IdleTimer } from './idle-timer.ts'
import type { ConnectedShell, LabParts, OpenLabParts } from './lab-parts.ts'
import type { StartProgress } from './start-cluster.ts'
import { Terminal } from './terminal.ts'
import { toWireError } from './wire-error.ts'

export interface LabOptions {
  /** Names the lab in the log and on the disk; not secret. */
  readonly id: string
  /** The lab's own directory; must not exist yet. */
  readonly dir: string
  /** Without a reader's action for this long the lab ends, milliseconds. */
  readonly idleMs: number
  /** A start that takes longer fails, milliseconds. */
  readonly startMs: number
  readonly openParts: OpenLabParts
  readonly clock: Clock
  readonly logger: Logger
}

/** Why a lab ends, as its reader is told. */
export type EndReason = Extract<GoneReason, 'ended' | 'idle' | 'failed'>

interface ReadyLab {
  readonly parts: LabParts
  readonly shell: ConnectedShell
}

/**
 * One reader's cluster, registry, shell and terminals. Starts by itself when made; `state()` and
 * `onState` tell how that goes. Methods throw `LAB_NOT_READY` before it is ready and `LAB_ENDED`
 * from the moment it begins to end.
 */
export class Lab {
  readonly id: string
  readonly #options: LabOptions
  readonly #logger: Logger
  readonly #createdAt: number
  readonly #idle: IdleTimer
  readonly #stop = new AbortController()
  readonly #listeners = new Set<(state: LabState) => void>()
  readonly #terminals = new Map<string, Terminal>()
  readonly #starting: Promise<void>
  #phase: LabState['phase'] = 'starting'
  #progress: StartProgress = { membersUp: 0, membersTotal: 0, leader: null }
  #startedMs: number | null = null
  #parts: LabParts | null = null
  #ready: ReadyLab | null = null
  #reason: EndReason | null = null
  #error: LabError | null = null
  #ending: Promise<void> | null = null

  constructor(options: LabOptions) {
    this.id = options.id
    this.#options = options
    this.#logger = options.logger.with({ lab: options.id })
    this.#createdAt = options.clock.now()
    this.#idle = createIdleTimer({
      idleMs: options.idleMs,
      clock: options.clock,
      onChange: () => this.#tell(),
      onExpired: () => void this.end('idle'),
    })
    this.#starting = this.#start()
  }

  /** Everything a page shows of the lab, at this moment. */
  state(): LabState {
    return {
      phase: this.#phase,
      reason: this.#phase === 'gone' ? this.#reason : null,
      error: this.#phase === 'gone' && this.#error !== null ? toWireError(this.#error) : null,
      progress: {
        ...this.#progress,
        elapsedMs: Math.round(this.#startedMs ?? this.#options.clock.now() - this.#createdAt),
      },
      idleEndsInMs: this.#phase === 'ready' ? this.#idle.leftMs() : null,
    }
  }

  /** Called with every change of state, the last time when the lab is gone. */
  onState(listener: (state: LabState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Throws `LAB_NOT_READY` or `LAB_ENDED` unless the lab can be used. */
  requireReady(): void {
    this.#requireReady()
  }

  /** The reader did something: the idle clock starts again. */
  touch(): void {
    if (this.#phase === 'ready') this.#idle.restart()
  }

  /** Milliseconds until the lab ends by itself if its reader does nothing. */
  idleLeftMs(): number {
    return this.#idle.leftMs()
  }

  /**
   * The terminal of that name, made at its first use. When there are as many as a lab may have, it
   * takes the place of the one that was left longest ago (its tab was closed); throws
   * `TERMINAL_LIMIT` when all are in use.
   */
  openTerminal(name: string): Terminal {
    const { shell } = this.#requireReady()
    const known = this.#terminals.get(name)
    if (known !== undefined) {
      // The map's order is that of the last use.
      this.#terminals.delete(name)
      this.#terminals.set(name, known)
      return known
    }
    if (this.#terminals.size >= limits.terminals && !this.#dropIdleTerminal()) {
      const details = { max: limits.terminals }
      const message = `A lab has at most ${limits.terminals} terminals`
      throw new LabError('TERMINAL_LIMIT', message, { details })
    }
    const { clock } = this.#options
    const terminal = new Terminal({ shell, clock, logger: this.#logger })
    this.#terminals.set(name, terminal)
    return terminal
  }

  #dropIdleTerminal(): boolean {
    for (const [name, terminal] of this.#terminals) {
      if (!terminal.isIdle) continue
      this.#terminals.delete(name)
      void terminal.close()
      return true
    }
    return false
  }

  complete(
    line: string,
    cursor: number,
    locale: Locale,
  ): Promise<{ readonly from: number; readonly candidates: readonly Completion[] }> {
    return this.#requireReady().shell.complete(line, cursor, locale)
  }

  /** Resolves when the process is gone, paused, or serves again. */
  async fault(action: FaultAction, target: string): Promise<void> {
    const { monitor } = this.#requireReady().parts
    try {
      await monitor.fault(action, target)
    } catch (error) {
      // What a closing cluster says is only a consequence of the end.
      this.#requireReady()
      throw error
    }
  }

  /** The latest snapshot at once, then every new one. While someone watches, probes run. */
  watchCluster(listener: (snapshot: ClusterSnapshot) => void): () => void {
    const { monitor } = this.#requireReady().parts
    const stop = monitor.watch(listener)
    listener(monitor.snapshot())
    return stop
  }

  /** Ends everything; resolves when processes and data are gone. The first reason stands. */
  end(reason: EndReason, error: LabError | null = null): Promise<void> {
    this.#ending ??= this.#end(reason, error)
    return this.#ending
  }

  async #start(): Promise<void> {
    const { openParts, id, dir, startMs, clock } = this.#options
    try {
      const parts = await openParts({ id, dir, logger: this.#logger })
      this.#parts = parts
      this.#stop.signal.throwIfAborted()
      await parts.start({
        signal: this.#stop.signal,
        timeoutMs: startMs,
        onProgress: (progress) => this.#setProgress(progress),
      })
      this.#stop.signal.throwIfAborted()
      this.#ready = { parts, shell: parts.openShell() }
    } catch (error) {
      this.#startFailed(error)
      return
    }
    this.#startedMs = clock.now() - this.#createdAt
    this.#phase = 'ready'
    this.#logger.info('lab ready', { ms: Math.round(this.#startedMs) })
    // Tells the new state, too.
    this.#idle.restart()
  }

  #startFailed(thrown: unknown): void {
    if (this.#stop.signal.aborted) return
    const cause = toLabError(thrown)
    this.#logger.error('lab failed to start', { error: thrown })
    const message = `The lab could not be started. ${cause.message}`
    void this.end('failed', new LabError('LAB_FAILED', message, { cause }))
  }

  #setProgress(progress: StartProgress): void {
    this.#progress = progress
    if (this.#phase === 'starting') this.#tell()
  }

  async #end(reason: EndReason, error: LabError | null): Promise<void> {
    this.#phase = 'ending'
    this.#reason = reason
    this.#error = error
    this.#idle.stop()
    this.#stop.abort(new LabError('LAB_ENDED', 'The lab has ended'))
    this.#logger.info('lab ending', { reason })
    this.#tell()
    // A start that is under way looks at the signal; its parts exist once it has let go.
    await this.#starting
    await this.#closeParts()
    this.#ready = null
    this.#phase = 'gone'
    this.#logger.info('lab gone', { reason })
    this.#tell()
  }

  /** Every part is closed, whatever another says; what fails is logged and left to the reaper. */
  async #closeParts(): Promise<void> {
    const terminals = [...this.#terminals.values()].map((terminal) => terminal.close())
    const steps: (() => Promise<unknown>)[] = [
      () => Promise.all(terminals),
      async () => this.#ready?.shell.close(),
      async () => this.#parts?.close(),
    ]
    for (const step of steps) {
      await step().catch((error: unknown) => this.#logger.error('closing a lab failed', { error }))
    }
  }

  #requireReady(): ReadyLab {
    if (this.#phase === 'ending' || this.#phase === 'gone') {
      throw new LabError('LAB_ENDED', 'The lab has ended')
    }
    if (this.#ready === null) throw new LabError('LAB_NOT_READY', 'The lab is still starting')
    return this.#ready
  }

  #tell(): void {
    const state = this.state()
    for (const listener of this.#listeners) listener(state)
  }
}
