import type { Completion, Locale } from '../../protocol/index.ts'
import type { Command } from '../shell/command.ts'
import { messagesFor } from '../shell/messages/messages.ts'
import type { ProgramShell } from '../shell/shell.ts'
import { globalOptions, readInvocation } from './global-options.ts'

/**
 * What Tab offers for words that a shell has split; the last one is under the cursor. The options
 * before a command are completed here, everything else as in the browser's terminal.
 */
export async function completeInvocation(
  argv: readonly string[],
  scene: { shell: ProgramShell; commands: readonly Command[]; locale: Locale },
): Promise<readonly Completion[]> {
  const prefix = argv.at(-1) ?? ''
  const awaited = awaitedChoices(argv.at(-2))
  if (awaited !== null) return fitting(awaited, prefix)
  const { words, problem } = readInvocation(argv.slice(0, -1), scene.commands)
  if (problem !== null) return []
  if (words.length === 0 && prefix.startsWith('-')) {
    const texts = messagesFor(scene.locale).program.options
    const options = globalOptions.map(({ name }) => ({
      value: `--${name}`,
      description: texts[name] ?? '',
    }))
    return fitting(options, prefix)
  }
  return await scene.shell.completeWords([...words, prefix], scene.locale)
}

/** The values of the global option that stands before the cursor; null when there is none. */
function awaitedChoices(word: string | undefined): readonly Completion[] | null {
  const option = globalOptions.find(({ name }) => word === `--${name}`)
  if (option?.value === undefined) return null
  return (option.choices ?? []).map((value) => ({ value, description: '' }))
}

function fitting(candidates: readonly Completion[], prefix: string): readonly Completion[] {
  return candidates.filter(({ value }) => value.startsWith(prefix))
}

/** One candidate a line, its description after a tab. */
export function formatCandidates(candidates: readonly Completion[]): string {
  return candidates.map(({ value, description }) => `${value}\t${description}\n`).join('')
}
