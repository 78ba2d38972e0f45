import { parseArgs } from 'node:util'
import type { Arguments, Command, Option, Positional } from './command.ts'
import { commandText } from './command.ts'
import type { Messages } from './messages/en.ts'
import { nearest } from './nearest.ts'
import { ShellError } from './shell-error.ts'
import { optionValue, placeholder } from './usage.ts'

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
}

function usageError(text: (m: Messages) => string): ShellError {
  return new ShellError('USAGE', text)
}

function readTokens(command: Command, argv: readonly string[]) {
  const declared = Object.fromEntries(
    command.options.map((option) => [
      option.name,
      {
        type: option.kind === 'flag' ? ('boolean' as const) : ('string' as const),
        ...(option.short === undefined ? {} : { short: option.short }),
      },
    ]),
  )
  const { tokens } = parseArgs({
    args: [...argv],
    options: declared,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  return tokens
}

function findOption(command: Command, token: OptionToken): Option {
  const found = command.options.find((option) => option.name === token.name)
  if (found !== undefined) return found
  const known = command.options.map((option) => `--${option.name}`)
  const suggestion = nearest(token.rawName, known) ?? nearest(`-${token.rawName}`, known)
  const facts = { option: token.rawName, command: command.name, nearest: suggestion }
  throw usageError((m) => m.arguments.unknownOption(facts))
}

function checkValue(option: Option, command: Command, value: string | undefined): string {
  const name = `--${option.name}`
  if (option.kind === 'flag') {
    if (value === undefined) return ''
    throw usageError((m) => m.arguments.noValue({ option: name, value }))
  }
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw usageError((m) =>
      m.arguments.missingValue({
        option: name,
        value: commandText(command, m).options[option.name] ?? optionValue(option),
      }),
    )
  }
  if (option.kind === 'text') return value
  if (option.kind === 'choice') {
    if (option.choices.includes(value)) return value
    const facts = { option: name, value, choices: option.choices.join(', ') }
    throw usageError((m) => m.arguments.notChoice(facts))
  }
  const number = Number(value)
  if (!/^\d{1,9}$/.test(value) || number < option.min || number > option.max) {
    const facts = { option: name, value, min: option.min, max: option.max }
    throw usageError((m) => m.arguments.notInteger(facts))
  }
  return value
}

function missing(command: Command, positional: Positional): ShellError {
  return usageError((m) =>
    m.arguments.missing({
      positional: placeholder(positional),
      text: commandText(command, m).positionals[positional.name] ?? positional.name,
    }),
  )
}

function toArguments(values: ReadonlyMap<string, string>, given: ReadonlySet<string>): Arguments {
  return {
    required: (name) => values.get(name) ?? '',
    text: (name) => values.get(name),
    integer: (name) => Number(values.get(name)),
    flag: (name) => values.has(name),
    given: (name) => given.has(name),
  }
}

/** Words after a command → checked values. Throws `USAGE`, naming what was expected. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const values = new Map<string, string>()
  const rest = [...command.positionals]
  for (const token of readTokens(command, argv)) {
    if (token.kind === 'option') {
      const option = findOption(command, token)
      if (values.has(option.name)) {
        throw usageError((m) => m.arguments.repeated({ option: `--${option.name}` }))
      }
      values.set(option.name, checkValue(option, command, token.value))
    } else if (token.kind === 'positional') {
      const positional = rest.shift()
      if (positional === undefined) {
        throw usageError((m) => m.arguments.tooMany({ value: token.value }))
      }
      values.set(positional.name, token.value)
    }
  }
  const absent = rest.find((positional) => positional.required)
  if (absent !== undefined) throw missing(command, absent)
  const given = new Set(values.keys())
  for (const option of command.options) {
    if (option.kind === 'flag' || values.has(option.name)) continue
    if (option.defaultValue !== undefined) values.set(option.name, String(option.defaultValue))
  }
  return toArguments(values, given)
}
