import { describe, expect, test } from 'vitest'
import type { Locale } from '../../protocol/index.ts'
import { commandsOf, pagesWithCommands, runPage, type CommandRun } from './page-commands.ts'

/** The patterns of a command that no line of the text matches. */
function unmatched(patterns: readonly string[], text: string): string[] {
  const lines = text.split('\n')
  return patterns.filter((pattern) => !lines.some((line) => new RegExp(pattern).test(line)))
}

/**
 * A text without what differs from run to run: ids, numbers and their units, who leads, and with
 * that the order of the lines.
 */
function shapeOf(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replace(/\b[0-9a-f]{16}\b/g, 'ID')
        .replace(/etcd[123]/g, 'MEMBER')
        .replace(/\d[\d.,]*(?: ?(?:ms|s|KiB|MiB|毫秒|秒)(?!\w))?/g, 'N')
        .replace(/\s+/g, ' '),
    )
    .sort()
}

/** What a command did otherwise than its page says; empty when all is as written. */
function differences({ command, result, text }: CommandRun, locale: Locale): string[] {
  const { exit, output } = command.expect
  return [
    ...(result.code === exit ? [] : [`exit code ${String(result.code)}, expected ${String(exit)}`]),
    ...(locale === 'en' ? unmatched(output, text) : []).map(
      (pattern) => `no line matches /${pattern}/`,
    ),
  ]
}

describe.each(pagesWithCommands)('the commands of %s', (page) => {
  test('have recorded outputs that match what is expected of them', () => {
    const wrong = commandsOf(page).map(([id, command]) => ({
      id,
      unmatched: unmatched(command.expect.output, command.sample.en),
    }))
    expect(wrong.filter((one) => one.unmatched.length > 0)).toEqual([])
  })

  test.each(['en', 'zh-CN'] as const)(
    'do on a fresh lab, in their order, what the page says and shows (%s)',
    { timeout: 180_000 },
    async (locale) => {
      const runs = await runPage(page, locale)
      const wrong = runs
        .map((run) => ({ id: run.id, wrong: differences(run, locale), text: run.text }))
        .filter((run) => run.wrong.length > 0)
      expect(wrong).toEqual([])
      const printed = runs.map(({ id, text }) => ({ id, shape: shapeOf(text) }))
      const shown = runs.map(({ id, command }) => ({ id, shape: shapeOf(command.sample[locale]) }))
      expect(printed).toEqual(shown)
    },
  )
})
