import {
  LabError,
  toLabError,
  type Completion,
  type ErrorCode,
  type Locale,
} from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import {
  commandPrefix,
  type Command,
  type CommandContext,
  type CommandOutput,
  type Program,
  type ShellTools,
} from './command.ts'
import { availableCommands, findCommand, unknownCommand } from './command-table.ts'
import { quorumNow } from './commands/cluster-facts.ts'
import { complete, completeWords, type Completions } from './complete.ts'
import { withoutDirectory } from './etcdctl/endpoints.ts'
import { withWayOut } from './etcd-hints.ts'
import { jsonLine } from './json-line.ts'
import { inMemberWords } from './member-errors.ts'
import { messagesFor } from './messages/messages.ts'
import { paint, type Style } from './paint.ts'
import { parseArguments } from './parse-arguments.ts'
import { parseLine } from './parse-line.ts'
import { noticeLostQuorum } from './quorum-notice.ts'
import { makeVisibleInline } from './sanitize.ts'
import { describeError, ShellError } from './shell-error.ts'
import { renderTable } from './table.ts'
import { limitTime } from './time-limit.ts'
import { describeCommand, helpPage, usageHint } from './usage.ts'
import { wrapText } from './wrap-text.ts'

export interface ShellOptions extends ShellTools {
  readonly logger: Logger
}

/** Where one command's words go, and for whom. */
export interface ShellIo {
  readonly locale: Locale
  /** Width of the reader's terminal, cells. */
  readonly columns: number
  /** Ctrl-C, or the end of the lab. A reason that is a LabError is reported as it is. */
  readonly signal: AbortSignal
  /** `json`: what commands find as lines of JSON on `out`, errors as one on `err`, and no words. */
  readonly format?: 'text' | 'json'
  /** Each resolves when more output is welcome. */
  readonly out: (text: string) => Promise<void>
  readonly err: (text: string) => Promise<void>
  /** Empties the terminal. */
  readonly clear: () => void
}

export interface CommandResult {
  /** 0 ok, 1 failed, 2 usage, 124 time limit, 127 unknown command, 130 interrupted. */
  readonly code: number
  readonly error: LabError | null
}

export interface Shell {
  /** Runs one line. Never rejects: what should not happen is logged and becomes `INTERNAL`. */
  run(line: string, io: ShellIo): Promise<CommandResult>
  /** What Tab offers. Never rejects, and answers within about 300 ms. */
  complete(line: string, cursor: number, locale: Locale): Promise<Completions>
}

/** A shell whose words come ready from another shell. */
export interface ProgramShell {
  /** Runs one command. Never rejects, as `Shell.run`. */
  runWords(words: readonly string[], io: ShellIo): Promise<CommandResult>
  /**
   * What fits the last word, not quoted; the words before it are finished. Never rejects, and
   * answers within about 1.5 s.
   */
  completeWords(words: readonly string[], locale: Locale): Promise<readonly Completion[]>
}

const exitCodes: Partial<Record<ErrorCode, number>> = {
  USAGE: 2,
  UNSUPPORTED_SYNTAX: 2,
  LINE_TOO_LONG: 2,
  STDIN_REFUSED: 2,
  NOT_ALLOWED: 2,
  INVALID_INSTANCE: 2,
  COMMAND_TIMEOUT: 124,
  UNKNOWN_COMMAND: 127,
  INTERRUPTED: 130,
}

/** Codes of calls that no member answered. */
const unanswered: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'QUORUM_LOST'])

function createTextOutput(io: ShellIo): CommandOutput {
  let last: Promise<void> = Promise.resolve()
  const write = (to: (text: string) => Promise<void>, text: string, style?: Style) => {
    last = to(`${paint(wrapText(text, io.columns), style)}\n`)
  }
  return {
    result: (data, show) => show(data),
    print: (text, style) => write(io.out, text, style),
    warn: (text, style) => write(io.err, text, style),
    printTable: (columns, rows) => {
      last = io.out(`${renderTable(columns, rows, io.columns).join('\n')}\n`)
    },
    stream: (name, visible) => (name === 'stdout' ? io.out(visible) : io.err(visible)),
    drained: () => last,
    clear: () => io.clear(),
  }
}

/** Where the words, or the data, of a command go. */
export function createOutput(io: ShellIo): CommandOutput {
  return io.format === 'json' ? createJsonOutput(io) : createTextOutput(io)
}

/** For programs: results and nothing else. */
function createJsonOutput(io: ShellIo): CommandOutput {
  let last: Promise<void> = Promise.resolve()
  return {
    result: (data) => {
      last = io.out(jsonLine(data))
    },
    print: () => undefined,
    warn: () => undefined,
    printTable: () => undefined,
    stream: (name, visible) => (name === 'stdout' ? io.out(visible) : io.err(visible)),
    drained: () => last,
    clear: () => undefined,
  }
}

function abortReason(signal: AbortSignal): LabError {
  const reason: unknown = signal.reason
  return reason instanceof LabError
    ? reason
    : new ShellError('INTERRUPTED', (m) => m.shell.interrupted)
}

/** Leaves a promise behind when the signal comes first; its own failure is then nobody's answer. */
function waitFor<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortReason(signal))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function asksForHelp(command: Command, argv: readonly string[]): boolean {
  return command.ownUsage === undefined && argv.some((word) => word === '--help' || word === '-h')
}

class CommandShell implements Shell, ProgramShell {
  readonly #tools: ShellTools
  readonly #logger: Logger

  constructor({ logger, ...tools }: ShellOptions) {
    this.#tools = tools
    this.#logger = logger
  }

  run(line: string, io: ShellIo): Promise<CommandResult> {
    return this.#run(() => parseLine(line), io)
  }

  runWords(words: readonly string[], io: ShellIo): Promise<CommandResult> {
    return this.#run(() => words, io)
  }

  async #run(readWords: () => readonly string[], io: ShellIo): Promise<CommandResult> {
    const output = createOutput(io)
    try {
      const [name, ...argv] = readWords()
      if (name === undefined) return { code: 0, error: null }
      const code = await this.#runCommand(name, argv, io, output)
      if (io.signal.aborted) throw abortReason(io.signal)
      return { code, error: null }
    } catch (thrown) {
      return this.#fail(io.signal.aborted ? abortReason(io.signal) : thrown, io, output)
    }
  }

  async complete(line: string, cursor: number, locale: Locale): Promise<Completions> {
    const commands = availableCommands(this.#tools)
    try {
      const m = messagesFor(locale)
      return await complete({ line, cursor, m, tools: this.#tools, commands })
    } catch (error) {
      // Tab has nowhere to show an error; a cluster without quorum is no news for the log either.
      this.#logger.debug('completion failed', { error })
      return { from: cursor, candidates: [] }
    }
  }

  async completeWords(words: readonly string[], locale: Locale): Promise<readonly Completion[]> {
    const commands = availableCommands(this.#tools)
    try {
      return await completeWords(words, { m: messagesFor(locale), tools: this.#tools, commands })
    } catch (error) {
      this.#logger.debug('completion failed', { error })
      return []
    }
  }

  async #runCommand(
    name: string,
    argv: readonly string[],
    io: ShellIo,
    output: CommandOutput,
  ): Promise<number> {
    const commands = availableCommands(this.#tools)
    const m = messagesFor(io.locale)
    const command = findCommand(commands, name)
    if (command === null) throw unknownCommand(commands, makeVisibleInline(name), this.#tools)
    if (asksForHelp(command, argv)) {
      output.result(describeCommand(command, m), () => {
        output.print(helpPage(command, m, { columns: io.columns, ...this.#tools }).join('\n'))
      })
      return 0
    }
    try {
      const args = parseArguments(command, command.ownUsage === undefined ? argv : [])
      using limit = limitTime(command.name, io.signal, { endless: command.streams === true })
      const { signal } = limit
      const facts = { command, args, argv, m, signal, commands, tools: this.#tools }
      const context: CommandContext = {
        ...output,
        ...facts,
        locale: io.locale,
        columns: io.columns,
        prefix: commandPrefix(this.#tools),
        wait: (promise) => waitFor(promise, signal),
      }
      const running = command.run(context)
      if (command.needsQuorum !== true) return await running
      return await noticeLostQuorum(running, this.#tools, (words) => output.warn(words(m), 'warn'))
    } catch (error) {
      throw withUsage(error, command)
    }
  }

  /** What failed for want of a quorum says so; what remains names no directory of the host. */
  #explain(error: LabError): LabError {
    const { driver, program } = this.#tools
    if (program !== null && unanswered.has(error.code)) return inProgramWords(error, program)
    if (driver === null || error instanceof ShellError) return error
    if (unanswered.has(error.code) && !quorumNow(driver).held) {
      return new ShellError('QUORUM_LOST', (m) => m.shell.noQuorum, { cause: error })
    }
    const known = inMemberWords(withWayOut(error), driver.members())
    if (known !== error) return known
    const message = withoutDirectory(error.message, driver.members())
    if (message === error.message) return error
    return new LabError(error.code, message, { cause: error, details: error.details })
  }

  #fail(thrown: unknown, io: ShellIo, output: CommandOutput): CommandResult {
    const error = this.#explain(toLabError(thrown))
    if (error.code === 'INTERNAL') {
      this.#logger.error('command failed', { error: thrown })
    }
    if (error.code !== 'INTERRUPTED') this.#report(error, io, output)
    return { code: exitCodes[error.code] ?? 1, error }
  }

  #report(error: LabError, io: ShellIo, output: CommandOutput): void {
    const words = describeError(error, io.locale, this.#tools)
    if (io.format === 'json') {
      void io.err(jsonLine({ code: error.code, message: words }))
      return
    }
    output.warn(words, 'bad')
    if (error instanceof UsageError) {
      const prefix = commandPrefix(this.#tools)
      output.warn(usageHint(error.command, messagesFor(io.locale), prefix).join('\n'))
    }
  }
}

/** Whoever chose the endpoints may have chosen wrongly. */
function inProgramWords(error: LabError, { endpoints }: Program): LabError {
  const facts = { reason: makeVisibleInline(error.message) }
  return new ShellError(
    error.code,
    (m) => m.program.unanswered({ ...facts, endpoints: endpoints.join(m.listSeparator) }),
    { cause: error, details: error.details },
  )
}

/** A usage error that knows whose usage to show. */
class UsageError extends ShellError {
  readonly command: Command

  constructor(error: ShellError, command: Command) {
    super(error.code, error.text, { cause: error, details: error.details })
    this.command = command
  }
}

function withUsage(error: unknown, command: Command): unknown {
  return error instanceof ShellError && error.code === 'USAGE'
    ? new UsageError(error, command)
    : error
}

/** The shell of one lab: a command table, and nothing of the host behind it. */
export function createShell(options: ShellOptions): Shell {
  return new CommandShell(options)
}

/** The same command table behind a program of an ordinary shell. */
export function createProgramShell(options: ShellOptions): ProgramShell {
  return new CommandShell(options)
}
