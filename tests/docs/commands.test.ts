import { describe, expect, test } from 'vitest'
import { pagesWithCommands, runPage, type CommandRun } from './page-commands.ts'

/** What a command did otherwise than its page says; empty when all is as written. */
function differences({ command, result, text }: CommandRun): string[] {
  const lines = text.split('\n')
  const missing = command.expect.output.filter(
    (pattern) => !lines.some((line) => new RegExp(pattern).test(line)),
  )
  return [
    ...(result.code === command.expect.exit
      ? []
      : [`exit code ${String(result.code)}, expected ${String(command.expect.exit)}`]),
    ...missing.map((pattern) => `no line matches /${pattern}/`),
  ]
}

describe.each(pagesWithCommands)('the commands of %s', (page) => {
  test('do on a fresh lab, in their order, what the page says', { timeout: 180_000 }, async () => {
    const runs = await runPage(page, 'en')
    const wrong = runs
      .map((run) => ({ id: run.id, wrong: differences(run), text: run.text }))
      .filter((run) => run.wrong.length > 0)
    expect(wrong).toEqual([])
  })
})
