import { commandText, type Command, type Option, type Positional } from './command.ts'
import { padToWidth, displayWidth } from './display-width.ts'
import type { Messages } from './messages/en.ts'
import { wrapText } from './wrap-text.ts'

/** `<service>`, or what the command declares. */
export function placeholder(positional: Positional): string {
  return positional.placeholder ?? `<${positional.name}>`
}

/** `--ttl <seconds>`, or `--naive` for a flag. */
function optionName(option: Option): string {
  return option.kind === 'flag' ? `--${option.name}` : `--${option.name} <${option.value}>`
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
export function usageHint(command: Command, m: Messages): string[] {
  const example = command.examples[0]
  return [
    m.arguments.usage({ line: usageLine(command) }),
    ...(example === undefined ? [] : [m.arguments.example({ line: example })]),
    m.arguments.more({ command: command.name }),
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

/** The help page of one command. */
export function helpPage(command: Command, m: Messages, columns: number): string[] {
  const text = commandText(command, m)
  const positionals = command.positionals.map(
    (one) => [placeholder(one), text.positionals[one.name] ?? ''] as const,
  )
  const options = command.options.map((one) => optionRow(one, text.options[one.name] ?? '', m))
  const examples = command.examples.map(
    (line, index) => [line, text.examples[index] ?? ''] as const,
  )
  return [
    text.summary,
    '',
    m.arguments.usage({ line: usageLine(command) }),
    ...(command.aliases.length === 0
      ? []
      : [m.help.aliases({ names: command.aliases.join(m.listSeparator) })]),
    ...text.about.flatMap((paragraph) => ['', paragraph]),
    ...section(m.help.positionals, describeList(positionals, columns)),
    ...section(m.help.options, describeList(options, columns)),
    ...section(m.help.examples, describeList(examples, columns)),
    ...(command.moreHelp === undefined ? [] : ['', ...command.moreHelp(m, columns)]),
  ]
}

/** One line a command. */
export function helpOverview(commands: readonly Command[], m: Messages, columns: number): string[] {
  const rows = commands.map((one) => [one.name, commandText(one, m).summary] as const)
  return [m.help.title, ...describeList(rows, columns), '', m.help.more]
}
