import type { Locale } from '../../../protocol/index.ts'
import commands from '../../../content/data/commands.json' with { type: 'json' }

/** One command of the pages: what runs, what a test expects of it, what readers are shown of it. */
export interface PageCommand {
  /** Slug of the page it stands on. */
  readonly page: string
  readonly line: string
  readonly expect: {
    readonly exit: number
    /** Regular expressions, each of which some line of the English output matches. */
    readonly output: readonly string[]
  }
  /** For a command that streams: Ctrl-C follows once a line of the output matches. */
  readonly interruptAfter?: string
  /** How many lines it prints depends on the moment; what kinds of lines does not. */
  readonly varies?: boolean
  /** Number of the terminal of its page that it runs in. Default: the lowest. */
  readonly terminal?: number
  /** A recorded output in each language. Empty: nothing is shown. */
  readonly sample: Readonly<Record<Locale, string>>
}

const known: Readonly<Record<string, PageCommand>> = commands

/** Throws for an id that the data file does not have: the build fails, not the reader. */
export function findCommand(id: string): PageCommand {
  const command = Object.hasOwn(known, id) ? known[id] : undefined
  if (!command) throw new Error(`content/data/commands.json has no command "${id}"`)
  return command
}
