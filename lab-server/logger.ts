/** Facts of an event. Tokens and what readers type never belong here. */
export type LogFields = Readonly<Record<string, unknown>>

export interface Logger {
  debug(event: string, fields?: LogFields): void
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
  /** A logger that adds `fields` to every event, for example the lab's id. */
  with(fields: LogFields): Logger
}

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof levels)[number]

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format: 'text' | 'json'
  /** Takes one line with its newline. Default: standard error. */
  readonly write?: (line: string) => void
}

/** One line per event: `2026-11-24T10:00:00.000Z info lab ready lab=3f… ms=812`, or the same as JSON. */
export function createLogger(options: LoggerOptions, inherited: LogFields = {}): Logger {
  const threshold = levels.indexOf(options.level)
  const write = options.write ?? ((line) => process.stderr.write(line))
  const format = options.format === 'json' ? formatJson : formatText
  const log =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (levels.indexOf(level) < threshold) return
      write(`${format(new Date().toISOString(), level, event, { ...inherited, ...fields })}\n`)
    }
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    with: (fields) => createLogger(options, { ...inherited, ...fields }),
  }
}

function formatJson(at: string, level: LogLevel, event: string, fields: LogFields): string {
  return JSON.stringify({ at, level, event, ...mapValues(fields, plainValue) })
}

function formatText(at: string, level: LogLevel, event: string, fields: LogFields): string {
  const facts = Object.entries(fields).map(
    ([key, value]) => `${key}=${textValue(plainValue(value))}`,
  )
  return [at, level, event, ...facts].join(' ')
}

/** Errors carry their facts in properties that JSON does not show. */
function plainValue(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const cause = value.cause === undefined ? '' : `\ncaused by ${errorText(value.cause)}`
  return errorText(value) + cause
}

function errorText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** JSON quoting keeps one event on one line, and control characters out of the operator's terminal. */
function textValue(value: unknown): string {
  if (value === undefined) return '-'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w.,:/@+-]*$/.test(text) && text !== '' ? text : JSON.stringify(text)
}

function mapValues(fields: LogFields, change: (value: unknown) => unknown): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]))
}
