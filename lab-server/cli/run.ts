import { toLabError, type LabError, type Locale } from '../../protocol/index.ts'
import { createLogger, type Logger } from '../logger.ts'
import { openRegistry, type OpenRegistry, type RegistryConfig } from '../open-registry.ts'
import { allCommands, availableCommands, findCommand } from '../shell/command-table.ts'
import type { Program, ShellTools } from '../shell/command.ts'
import { jsonLine } from '../shell/json-line.ts'
import { messagesFor } from '../shell/messages/messages.ts'
import { createOutput, createProgramShell, type ShellIo } from '../shell/shell.ts'
import { describeError } from '../shell/shell-error.ts'
import { readVersion } from '../version.ts'
import { completeInvocation, formatCandidates } from './complete-invocation.ts'
import { readEnvironment, type Environment } from './environment.ts'
import { globalOptions, readInvocation, type Invocation } from './global-options.ts'
import { openOutput } from './output.ts'
import { readProgramConfig } from './program-config.ts'
import { keepRegistrations } from './stay.ts'
import { exitCodeOf, listenForStop, type Stop } from './stop.ts'

const name = 'ming'

/** How completion scripts call the program; it is no command, so no list names it. */
const completeWord = '__complete'

/** Codes of `CommandResult` that an ordinary program does not have. */
const ownExitCodes: Readonly<Record<number, number>> = { 124: 1, 127: 2 }

type ProcessEnvironment = Readonly<Record<string, string | undefined>>

/** `ming` from its arguments to its exit code: 0 well, 1 failed, 2 wrong usage, 128 + n by signal n. */
export async function runProgram(
  argv: readonly string[],
  env: ProcessEnvironment,
): Promise<number> {
  const stop = listenForStop()
  if (argv[0] === completeWord) return runCompletion(argv.slice(1), env, stop)
  const invocation = readInvocation(argv, allCommands())
  const io = openOutput(stop, wishesOf(invocation, readEnvironment(env)))
  try {
    return await runInvocation(invocation, env, io, stop)
  } catch (thrown) {
    return reportFailure(toLabError(thrown), io)
  }
}

/** What the command line wishes goes before what the environment does. */
function wishesOf({ values }: Invocation, environment: Environment) {
  const language = values.get('lang')
  const locale = language === 'en' || language === 'zh-CN' ? language : environment.locale
  const format = values.get('output') === 'json' ? ('json' as const) : ('text' as const)
  return { locale, format, mayColour: environment.mayColour }
}

async function runInvocation(
  invocation: Invocation,
  env: ProcessEnvironment,
  io: ShellIo,
  stop: Stop,
): Promise<number> {
  if (invocation.problem !== null) throw invocation.problem
  if (invocation.values.has('version')) return printVersion(io)
  const { config, warnings } = readProgramConfig(invocation, env)
  for (const text of warnings) reportWarning(text, io)
  const words = wordsOf(invocation)
  // A command that ends reports its failure itself; what it tried and took back repeats that.
  let runsOn = streams(words)
  const onTrouble = (error: LabError) => {
    if (runsOn && !io.signal.aborted) reportTrouble(error, io)
  }
  const opened = openRegistry(config, { onTrouble })
  const tools = toolsOf(opened, config)
  const shell = createProgramShell({ ...tools, logger: loggerFor(io) })
  try {
    const { code } = await shell.runWords(words, io)
    runsOn = code === 0
    if (runsOn) await keepRegistrations(opened, io)
    return codeOf(code, stop)
  } finally {
    await opened.close()
  }
}

function wordsOf({ values, words }: Invocation): readonly string[] {
  return values.has('help') || words.length === 0 ? ['help', ...words] : words
}

/** Whether the command runs until Ctrl-C. */
function streams([name = '']: readonly string[]): boolean {
  return findCommand(allCommands(), name)?.streams === true
}

/** A registration that was told to end, and has been taken back, did what it should. */
function codeOf(code: number, stop: Stop): number {
  const cause = stop.cause()
  if (code === 130 && cause !== null) return exitCodeOf(cause)
  if (code === 0 && cause === 'SIGINT') return exitCodeOf(cause)
  return ownExitCodes[code] ?? code
}

function toolsOf(
  { registry, inspector }: OpenRegistry,
  { endpoints, ttlSeconds }: RegistryConfig,
): ShellTools & { readonly program: Program } {
  return {
    driver: null,
    monitor: null,
    registry,
    inspector,
    etcdctl: null,
    naive: null,
    providers: null,
    program: { name, endpoints, ttlSeconds, options: globalOptions },
    versions: { lab: readVersion(), etcd: null },
  }
}

/** What an error says where no lab is around. */
function inProgram(error: LabError, locale: Locale): string {
  return describeError(error, locale, { program: { name } })
}

function loggerFor({ format = 'text' }: Pick<ShellIo, 'format'>): Logger {
  return createLogger({ level: 'error', format })
}

function printVersion(io: ShellIo): number {
  const output = createOutput(io)
  const version = readVersion()
  output.result({ version }, () => output.print(`${name} ${version}`))
  return 0
}

/** Settings that work, and what their user should know of them. */
function reportWarning(text: string, io: ShellIo): void {
  const message = messagesFor(io.locale).program.configWarning({ text })
  if (io.format === 'json') void io.err(jsonLine({ warning: message }))
  else createOutput(io).warn(message, 'warn')
}

/** What goes wrong behind a command that runs on. */
function reportTrouble(error: LabError, io: ShellIo): void {
  if (error.code === 'CLOSED' || error.code === 'INTERRUPTED') return
  const reason = inProgram(error, io.locale)
  if (io.format === 'json') void io.err(jsonLine({ code: error.code, message: reason }))
  else createOutput(io).warn(messagesFor(io.locale).program.trouble({ reason }), 'warn')
}

/** Of what no command could report. */
function reportFailure(error: LabError, io: ShellIo): number {
  if (error.code === 'INTERNAL') loggerFor(io).error('unexpected error', { error })
  const message = inProgram(error, io.locale)
  if (io.format === 'json') {
    void io.err(jsonLine({ code: error.code, message }))
  } else {
    const { arguments: words } = messagesFor(io.locale)
    const output = createOutput(io)
    output.warn(message, 'bad')
    if (error.code === 'USAGE') output.warn(words.more({ line: `${name} help` }))
  }
  return error.code === 'USAGE' || error.code === 'CONFIG' ? 2 : 1
}

/** Tab has nowhere to show an error: what cannot be known is not offered. */
async function runCompletion(
  argv: readonly string[],
  env: ProcessEnvironment,
  stop: Stop,
): Promise<number> {
  const invocation = readInvocation(argv.slice(0, -1), allCommands())
  const io = openOutput(stop, { ...wishesOf(invocation, readEnvironment(env)), format: 'text' })
  try {
    const { config } = readProgramConfig(invocation, env)
    const tools = toolsOf(openRegistry(config), config)
    const logger = createLogger({ level: 'silent', format: 'text' })
    const shell = createProgramShell({ ...tools, logger })
    const scene = { shell, commands: availableCommands(tools), locale: io.locale }
    await io.out(formatCandidates(await completeInvocation(argv, scene)))
    return 0
  } catch {
    // A wrong setting in the line being typed: the command itself will say so.
    return 1
  }
}
