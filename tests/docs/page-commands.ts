import commands from '../../content/data/commands.json' with { type: 'json' }
import type { PageCommand } from '../../src/components/lab/commands.ts'
import type { Locale } from '../../protocol/index.ts'
import { startShellLab, waitForText, type Finished, type ShellLab } from '../helpers/shell-lab.ts'

export interface CommandRun {
  readonly id: string
  readonly command: PageCommand
  readonly result: Finished
  /** Both streams in the order they were written, without colours. */
  readonly text: string
}

const known: Readonly<Record<string, PageCommand>> = commands

/** Pages that have commands, in the order of the data file. */
export const pagesWithCommands: readonly string[] = [
  ...new Set(Object.values(known).map((command) => command.page)),
]

export function commandsOf(page: string): readonly (readonly [string, PageCommand])[] {
  return Object.entries(known).filter(([, command]) => command.page === page)
}

async function runCommand(lab: ShellLab, command: PageCommand, locale: Locale) {
  // Wide enough for every line: where a terminal breaks one depends on the numbers in it.
  const running = lab.open(command.line, { locale, columns: 1000 })
  if (command.interruptAfter !== undefined) {
    await waitForText(running, new RegExp(command.interruptAfter))
    running.interrupt()
  }
  const result = await running.ended
  return { result, text: running.text() }
}

/** Runs every command of a page in its order on a fresh lab, as a reader would. */
export async function runPage(page: string, locale: Locale): Promise<CommandRun[]> {
  const lab = await startShellLab()
  try {
    const runs: CommandRun[] = []
    for (const [id, command] of commandsOf(page)) {
      runs.push({ id, command, ...(await runCommand(lab, command, locale)) })
    }
    return runs
  } finally {
    await lab.close()
  }
}
