import { describe, expect, test } from 'vitest'
import type { Locale } from '../../protocol/index.ts'
import type { PageCommand } from '../../src/components/lab/commands.ts'
import { commandsOf, pagesWithCommands, runPage, type CommandRun } from './page-commands.ts'

/** The patterns of a command that no line of the text matches. */
function unmatched(patterns: readonly string[], text: string): string[] {
  const lines = text.split('\n')
  return patterns.filter((pattern) => !lines.some((line) => new RegExp(pattern).test(line)))
}

/**
 * The words of a text without what differs from run to run: ids, numbers and their units, who
 * leads, and with that the order and the breaks of the lines.
 */
function wordsOf(text: string): string[] {
  const plain = text
    .replace(/\b[0-9a-f]{16}\b/g, 'ID')
    .replace(/etcd[123]/g, 'MEMBER')
    .replace(/\d[\d.,]*(?:\s?(?:ms|s|KiB|MiB|毫秒|秒)(?!\w))?/g, 'N')
  // Chinese lines break anywhere, so each character and each full-width mark stands for itself.
  const word =
    /[\p{Script=Han}\u3000-\u303f\uff00-\uffef…]|[^\s\p{Script=Han}\u3000-\u303f\uff00-\uffef…]+/gu
  return (plain.match(word) ?? []).sort()
}

/** What is compared of an output: all of its words, or each once where their number varies. */
function comparedWords(command: PageCommand, text: string): string[] {
  const words = wordsOf(text)
  return command.varies === true ? [...new Set(words)] : words
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
      const printed = runs.map(({ id, command, text }) => ({
        id,
        words: comparedWords(command, text),
      }))
      const shown = runs.map(({ id, command }) => ({
        id,
        words: comparedWords(command, command.sample[locale]),
      }))
      expect(printed).toEqual(shown)
    },
  )
})
