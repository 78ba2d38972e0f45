import type { GlobalOption, Command } from '../shell/command.ts'
import { findCommand } from '../shell/command-table.ts'
import { nearest } from '../shell/nearest.ts'
import { makeVisibleInline } from '../shell/sanitize.ts'
import { ShellError } from '../shell/shell-error.ts'

/** What stands before a command, or after it where the command has no option of that name. */
export const globalOptions: readonly GlobalOption[] = [
  { name: 'endpoints', value: 'a,b,c' },
  { name: 'user', value: 'name[:password]' },
  { name: 'ca-file', value: 'pem' },
  { name: 'cert-file', value: 'pem' },
  { name: 'key-file', value: 'pem' },
  { name: 'config', value: 'yaml' },
  { name: 'output', value: 'format', choices: ['text', 'json'] },
  { name: 'lang', value: 'language', choices: ['en', 'zh-CN'] },
  { name: 'timeout', value: 'ms' },
  { name: 'help', short: 'h' },
  { name: 'version' },
]

/** The words of a command line, sorted. */
export interface Invocation {
  /** By the name of the global option; a flag has the value ''. */
  readonly values: ReadonlyMap<string, string>
  /** The command and its own words. */
  readonly words: readonly string[]
  /** The first thing that is wrong; what stands before it has been read. */
  readonly problem: ShellError | null
}

/** Takes the global options out of the words. Never throws. */
export function readInvocation(argv: readonly string[], commands: readonly Command[]): Invocation {
  const values = new Map<string, string>()
  const words: string[] = []
  try {
    const rest = [...argv]
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      const command = words[0] === undefined ? null : findCommand(commands, words[0])
      const option = findOption(word, words.length > 0, command)
      if (word === '--') words.push(...(words.length > 0 ? [word] : []), ...rest.splice(0))
      else if (option === null) words.push(word)
      else addValue(values, option, readValue(option, word, rest))
    }
  } catch (error) {
    if (!(error instanceof ShellError)) throw error
    return { values, words, problem: error }
  }
  return { values, words, problem: null }
}

/** Null for a word that is not a global option; throws `USAGE` where nothing else may stand. */
function findOption(
  word: string,
  afterCommand: boolean,
  command: Command | null,
): GlobalOption | null {
  if (!/^-./.test(word) || word === '--') return null
  const name = word.split('=', 1)[0] ?? ''
  const found = globalOptions.find((one) => name === `--${one.name}` || name === `-${one.short}`)
  if (!afterCommand) return found ?? unknownOption(name)
  // Flags of that name, and options that the command declares, are the command's business.
  const own = command?.options.some((one) => one.name === found?.name) === true
  return found?.value === undefined || own ? null : found
}

function unknownOption(name: string): never {
  const known = globalOptions.map((one) => `--${one.name}`)
  const facts = { option: makeVisibleInline(name), nearest: nearest(name, known) }
  throw new ShellError('USAGE', (m) => m.program.unknownOption(facts))
}

function readValue(option: GlobalOption, word: string, rest: string[]): string {
  const name = `--${option.name}`
  const at = word.indexOf('=')
  if (option.value === undefined) {
    if (at === -1) return ''
    throw new ShellError('USAGE', (m) => m.program.takesNoValue({ option: name }))
  }
  const value = at === -1 ? rest.shift() : word.slice(at + 1)
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw new ShellError('USAGE', (m) =>
      m.arguments.missingValue({ option: name, value: m.program.options[option.name] ?? '' }),
    )
  }
  return option.choices === undefined ? value : checkChoice(option, option.choices, value)
}

function checkChoice(option: GlobalOption, choices: readonly string[], value: string): string {
  const found = choices.find((one) => one.toLowerCase() === value.toLowerCase())
  if (found !== undefined) return found
  const facts = { option: `--${option.name}`, value: makeVisibleInline(value) }
  throw new ShellError('USAGE', (m) =>
    m.program.choice({ ...facts, choices: choices.join(m.listSeparator) }),
  )
}

function addValue(values: Map<string, string>, { name }: GlobalOption, value: string): void {
  if (values.has(name)) {
    throw new ShellError('USAGE', (m) => m.arguments.repeated({ option: `--${name}` }))
  }
  values.set(name, value)
}
