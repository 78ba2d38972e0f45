import {
  commandPrefix,
  commandText,
  type Command,
  type GlobalOption,
  type Option,
  type Positional,
  type Program,
  type SharedCluster,
  type ShellTools,
} from './command.ts'
import { padToWidth, displayWidth } from './display-width.ts'
import type { CommandText, Messages } from './messages/en.ts'
import { wrapText } from './wrap-text.ts'

/** `<service>`, or what the command declares. */
export function placeholder(positional: Positional): string {
  return positional.placeholder ?? `<${positional.name}>`
}

/** What stands for the value of an option: `seconds`, or the words it may be. */
export function optionValue(option: Exclude<Option, { kind: 'flag' }>): string {
  return option.kind === 'choice' ? option.choices.join('|') : option.value
}

/** `--ttl <seconds>`, or `--naive` for a flag. */
function optionName(option: Option): string {
  return option.kind === 'flag' ? `--${option.name}` : `--${option.name} <${optionValue(option)}>`
}

function optionUsage(option: Option): string {
  return `[${optionName(option)}]`
}

/** `register <service[:version]> <host:port> [--ttl <seconds>]`. */
export function usageLine(command: Command): string {
  if (command.ownUsage !== undefined) return `${command.name} ${command.ownUsage}`
  const positionals = command.positionals.map((one) =>
    one.required ? placeholder(one) : `[${placeholder(one)}]`,
  )
  return [command.name, ...positionals, ...command.options.map(optionUsage)].join(' ')
}

/** What follows a usage error: the usage and one example. */
export function usageHint(command: Command, m: Messages, prefix: string): string[] {
  const example = command.examples[0]
  return [
    m.arguments.usage({ line: prefix + usageLine(command) }),
    ...(example === undefined ? [] : [m.arguments.example({ line: prefix + example })]),
    m.arguments.more({ line: `${prefix}help ${command.name}` }),
  ]
}

/** Cells that the words of a list need beside the names; with fewer they go below. */
const narrowestWords = 20
const indentOfWordsBelow = 6

/**
 * Two aligned columns, the second for the words, which go on under themselves when the terminal
 * ends. Where that leaves them too little room they stand below the names, further in.
 */
export function describeList(
  rows: readonly (readonly [string, string])[],
  columns: number,
): string[] {
  const width = Math.max(0, ...rows.map(([name]) => displayWidth(name)))
  const indent = width + 4
  const longest = Math.max(0, ...rows.map(([, text]) => displayWidth(text)))
  if (columns - indent < Math.min(longest, narrowestWords)) {
    return rows.flatMap(([name, text]) => [
      `  ${name}`,
      ...(text === '' ? [] : indentLines(text, indentOfWordsBelow, columns)),
    ])
  }
  return rows.flatMap(([name, text]) => {
    const [first = '', ...others] = indentLines(text, indent, columns)
    const start = `  ${padToWidth(name, width, 'left')}  `
    return [`${start}${first.slice(indent)}`.trimEnd(), ...others]
  })
}

function indentLines(text: string, indent: number, columns: number): string[] {
  return wrapText(`${' '.repeat(indent)}${text}`, columns).split('\n')
}

function optionRow(option: Option, text: string, m: Messages): readonly [string, string] {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value =
    option.kind === 'flag' || option.defaultValue === undefined
      ? ''
      : m.help.defaultValue({ value: String(option.defaultValue) })
  return [short + optionName(option), text + value]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

/** For whom a help page is: how wide their terminal is, and what they type before a command. */
export interface HelpView {
  readonly columns: number
  readonly program: ShellTools['program']
  readonly shared?: SharedCluster | undefined
}

/** The help page of one command. */
export function helpPage(command: Command, m: Messages, view: HelpView): string[] {
  const { columns, program, shared } = view
  const text = commandText(command, m)
  const prefix = commandPrefix({ program })
  const positionals = command.positionals.map(
    (one) => [placeholder(one), text.positionals[one.name] ?? ''] as const,
  )
  const options = command.options.map((one) => optionRow(one, text.options[one.name] ?? '', m))
  const examples = command.examples.map(
    (line, index) => [prefix + line, text.examples[index] ?? ''] as const,
  )
  return [
    text.summary,
    '',
    m.arguments.usage({ line: prefix + usageLine(command) }),
    ...(command.aliases.length === 0
      ? []
      : [m.help.aliases({ names: command.aliases.join(m.listSeparator) })]),
    ...aboutOf(text, program).flatMap((paragraph) => ['', paragraph]),
    ...section(m.help.positionals, describeList(positionals, columns)),
    ...section(m.help.options, describeList(options, columns)),
    ...section(m.help.examples, describeList(examples, columns)),
    ...(command.moreHelp === undefined
      ? []
      : ['', ...command.moreHelp(m, columns, shared !== undefined)]),
  ]
}

function aboutOf(text: CommandText, program: ShellTools['program']): readonly string[] {
  return program === null ? text.about : (text.aboutInProgram ?? text.about)
}

/** One line a command, and the options that stand before all of them. */
export function helpOverview(commands: readonly Command[], m: Messages, view: HelpView): string[] {
  const { columns, program, shared } = view
  const rows = commands.map((one) => [one.name, commandText(one, m).summary] as const)
  const list = [m.help.title, ...describeList(rows, columns)]
  if (program === null) {
    const note = shared === undefined ? [] : ['', wrapText(sharedWords(shared, m), columns)]
    return [...list, ...note, '', m.help.more]
  }
  return [
    m.program.about,
    '',
    m.arguments.usage({ line: `${program.name} ${m.program.usage}` }),
    '',
    ...list,
    ...section(m.help.options, describeList(globalOptionRows(program, m), columns)),
    '',
    m.program.more({ program: program.name }),
  ]
}

/** Whose the cluster is, where it is not the reader's own, and what follows from that. */
export function sharedWords({ kind, namespace }: SharedCluster, m: Messages): string {
  return kind === 'compose' ? m.shared.compose({ namespace }) : m.shared.endpoints
}

function globalOptionRows({ options }: Program, m: Messages): (readonly [string, string])[] {
  return options.map((one) => [globalOptionUsage(one), m.program.options[one.name] ?? ''])
}

function globalOptionUsage({ name, short, value, choices }: GlobalOption): string {
  const words = choices?.join('|') ?? (value === undefined ? '' : `<${value}>`)
  return `${short === undefined ? '' : `-${short}, `}--${name} ${words}`.trimEnd()
}

/** The same as data. */
export function describeCommand(command: Command, m: Messages): object {
  const text = commandText(command, m)
  return {
    name: command.name,
    aliases: command.aliases,
    summary: text.summary,
    usage: usageLine(command),
    examples: command.examples,
  }
}
