import {
  LabError,
  limits,
  toLabError,
  type Locale,
  type TerminalEntry,
} from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import type { CommandResult, Shell } from '../shell/shell.ts'
import type { Clock } from '../clock.ts'
import { createEntryRing, type EntryRing, type RingLimits } from './entry-ring.ts'
import { cutText, keepColoursOnly, showLine } from './terminal-text.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'
import { toWireError } from './wire-error.ts'

export interface TerminalLimits extends RingLimits {
  /** Output is collected for this long before it becomes an entry, milliseconds. */
  readonly batchMs: number
  /** Longest text of one output entry, UTF-16 units. */
  readonly entryLength: number
  /** What a command may write at once, and per second after that, bytes. */
  readonly outputBurst: number
  readonly outputPerSecond: number
  /** Lines that the history keys reach. */
  readonly history: number
  /** UTF-16 units of these lines together: every attaching page is sent all of them. */
  readonly historyLength: number
  /** A command that goes on for this long after Ctrl-C is given up, milliseconds. */
  readonly interruptMs: number
}

export const terminalLimits: TerminalLimits = {
  bytes: 512 * 1024,
  entries: 5000,
  batchMs: 16,
  entryLength: 16 * 1024,
  outputBurst: 256 * 1024,
  outputPerSecond: 256 * 1024,
  history: 200,
  historyLength: 64 * 1024,
  interruptMs: 5000,
}

export interface TerminalOptions {
  readonly shell: Pick<Shell, 'run'>
  readonly clock: Clock
  readonly logger: Logger
  readonly limits?: TerminalLimits
}

/** What an attaching page is told; the entries themselves are fetched with `entriesAfter`. */
export interface TerminalState {
  readonly firstSeq: number
  readonly lastSeq: number
  /** The line that runs now. */
  readonly running: string | null
  /** Oldest first. */
  readonly history: readonly string[]
}

interface RunningCommand {
  readonly line: string
  readonly abort: AbortController
  /** Resolves when the terminal is free again. */
  readonly ended: Promise<void>
}

/** The wait until a command may write again. */
interface Drain {
  readonly done: Promise<void>
  readonly open: () => void
}

/**
 * One terminal of a lab: numbered entries that every attached page draws, and at most one running
 * command. Pages come and go; the terminal lives as long as its lab.
 */
export class Terminal {
  readonly #shell: Pick<Shell, 'run'>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limits: TerminalLimits
  readonly #ring: EntryRing
  readonly #bucket: TokenBucket
  readonly #listeners = new Set<() => void>()
  readonly #history: string[] = []
  #historyLength = 0
  #running: RunningCommand | null = null
  #pending: { stream: 'stdout' | 'stderr'; text: string } | null = null
  #cancelFlush: (() => void) | null = null
  #drain: Drain | null = null
  #closed = false

  constructor(options: TerminalOptions) {
    this.#shell = options.shell
    this.#clock = options.clock
    this.#logger = options.logger
    this.#limits = options.limits ?? terminalLimits
    this.#ring = createEntryRing(this.#limits)
    this.#bucket = createTokenBucket({
      burst: this.#limits.outputBurst,
      perSecond: this.#limits.outputPerSecond,
      clock: this.#clock,
    })
  }

  state(): TerminalState {
    this.#flush()
    return {
      firstSeq: this.#ring.firstSeq(),
      lastSeq: this.#ring.lastSeq(),
      running: this.#running?.line ?? null,
      history: [...this.#history],
    }
  }

  /** No page shows it and nothing runs in it. */
  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#running === null
  }

  /** Entries newer than `seq`, oldest first, as many as fit into `maxBytes`, at least one. */
  entriesAfter(seq: number, maxBytes: number): readonly TerminalEntry[] {
    return this.#ring.after(seq, maxBytes)
  }

  /** Called when there are new entries. Returns the way to stop listening. */
  onEntries(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Accepts a line; what it does follows as entries. Throws `TERMINAL_BUSY` while a command runs,
   * `LINE_TOO_LONG`, and `LAB_ENDED` after `close`.
   */
  run(line: string, view: { readonly locale: Locale; readonly columns: number }): void {
    this.#checkFree(line)
    this.#remember(line)
    this.#append({ kind: 'input', line: showLine(line) })
    const abort = new AbortController()
    const ended = this.#execute(line, { ...view, abort })
    this.#running = { line: showLine(line), abort, ended }
  }

  /** Ctrl-C. Nothing happens when nothing runs. */
  interrupt(): void {
    this.#abort(new LabError('INTERRUPTED', 'Interrupted'))
  }

  /** Ends the running command. Resolves when it has let go, or was given up. */
  async close(): Promise<void> {
    this.#closed = true
    this.#abort(new LabError('LAB_ENDED', 'The lab has ended'))
    await this.#running?.ended
  }

  #abort(reason: LabError): void {
    this.#running?.abort.abort(reason)
    // A command that waits to write must notice its end now.
    this.#openDrain()
  }

  #checkFree(line: string): void {
    if (this.#closed) throw new LabError('LAB_ENDED', 'The lab has ended')
    if (this.#running !== null) {
      throw new LabError('TERMINAL_BUSY', `A command is still running: ${this.#running.line}`)
    }
    if (line.length > limits.lineLength) {
      throw new LabError(
        'LINE_TOO_LONG',
        `The line has ${line.length} characters, ${limits.lineLength} are allowed`,
        { details: { length: line.length, max: limits.lineLength } },
      )
    }
  }

  #remember(line: string): void {
    if (line.trim() === '' || this.#history.at(-1) === line) return
    this.#history.push(line)
    this.#historyLength += line.length
    const { history, historyLength } = this.#limits
    while (this.#history.length > history || this.#historyLength > historyLength) {
      this.#historyLength -= this.#history.shift()?.length ?? 0
    }
  }

  async #execute(
    line: string,
    view: { readonly locale: Locale; readonly columns: number; readonly abort: AbortController },
  ): Promise<void> {
    const started = this.#clock.now()
    const over = new AbortController()
    const result = await Promise.race([
      this.#runGuarded(line, view, over.signal),
      this.#giveUp(line, view.abort.signal, over.signal),
    ])
    // Whatever a command still writes after its end belongs to no entry.
    over.abort()
    this.#openDrain()
    this.#running = null
    this.#append({
      kind: 'exit',
      code: result.code,
      ms: Math.round(this.#clock.now() - started),
      error: result.error === null ? null : toWireError(result.error),
    })
  }

  async #runGuarded(
    line: string,
    view: { readonly locale: Locale; readonly columns: number; readonly abort: AbortController },
    over: AbortSignal,
  ): Promise<CommandResult> {
    const write = (stream: 'stdout' | 'stderr') => (text: string) => this.#write(stream, text, over)
    try {
      return await this.#shell.run(line, {
        locale: view.locale,
        columns: view.columns,
        signal: view.abort.signal,
        out: write('stdout'),
        err: write('stderr'),
        clear: () => {
          if (!over.aborted) this.#append({ kind: 'clear' })
        },
      })
    } catch (thrown) {
      const error = toLabError(thrown)
      if (error.code === 'INTERNAL') this.#logger.error('command failed', { error: thrown })
      return { code: 1, error }
    }
  }

  /** A command must not hold its terminal for ever by ignoring Ctrl-C. */
  #giveUp(line: string, abort: AbortSignal, over: AbortSignal): Promise<CommandResult> {
    return new Promise((resolve) => {
      const wait = () => {
        const cancel = this.#clock.after(this.#limits.interruptMs, () => {
          this.#logger.error('command ignores its interruption', { command: line.split(' ')[0] })
          const error = new LabError('INTERRUPTED', 'The command did not stop and was given up')
          resolve({ code: 130, error })
        })
        over.addEventListener('abort', cancel, { once: true })
      }
      abort.addEventListener('abort', wait, { once: true, signal: over })
    })
  }

  #write(stream: 'stdout' | 'stderr', raw: string, over: AbortSignal): Promise<void> {
    const text = keepColoursOnly(raw)
    if (over.aborted || text === '') return Promise.resolve()
    if (this.#pending !== null && this.#pending.stream !== stream) this.#flush()
    this.#pending = { stream, text: (this.#pending?.text ?? '') + text }
    if (this.#pending.text.length >= this.#limits.entryLength) this.#flush()
    else this.#cancelFlush ??= this.#clock.after(this.#limits.batchMs, () => this.#flush())
    return this.#slowDown(Buffer.byteLength(text))
  }

  /** One wait for all writers, so that one that never waits piles nothing up. */
  #slowDown(bytes: number): Promise<void> {
    const ms = this.#bucket.take(bytes)
    if (ms === 0) return Promise.resolve()
    this.#drain ??= this.#waitForDrain(ms)
    return this.#drain.done
  }

  #waitForDrain(firstMs: number): Drain {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    let cancel = () => {}
    const wait = (ms: number) => {
      cancel = this.#clock.after(ms, () => {
        const left = this.#bucket.take(0)
        if (left > 0) wait(left)
        else this.#openDrain()
      })
    }
    wait(firstMs)
    const open = () => {
      cancel()
      resolve(undefined)
    }
    return { done: promise, open }
  }

  #openDrain(): void {
    this.#drain?.open()
    this.#drain = null
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = null
    const pending = this.#pending
    if (pending === null) return
    this.#pending = null
    for (const text of cutText(pending.text, this.#limits.entryLength)) {
      this.#ring.append({ kind: 'output', stream: pending.stream, text })
    }
    this.#tell()
  }

  #append(entry: Parameters<EntryRing['append']>[0]): void {
    this.#flush()
    this.#ring.append(entry)
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
