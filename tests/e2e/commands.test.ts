import type { Page } from '@playwright/test'
import { serverMessage } from '../../protocol/index.ts'
import { commandsOf } from '../docs/page-commands.ts'
import { expect, LabPage, test } from './fixtures.ts'

const slug = 'lab/register-and-discover'

test('Run starts every command of a page in its terminal, and each ends as the page says', async ({
  page,
  server,
}) => {
  const frames = listenForFrames(page)
  const lab = new LabPage(page)
  await lab.open(server, `${slug}/`)
  const commands = commandsOf(slug)
  const blocks = page.locator('ming-command')
  await expect(blocks).toHaveCount(commands.length)

  for (const [at, [id, command]] of commands.entries()) {
    const { line, expect: wanted, interruptAfter, terminal } = command
    const block = page.locator(`ming-command[data-command="${id}"]`)
    await block.getByRole('button', { name: `Run: ${line}`, exact: true }).click()
    // The first press offers the lab that is not there yet.
    if (at === 0) await block.getByRole('button', { name: 'Start a lab and run it' }).click()
    if (interruptAfter !== undefined) {
      await expect(lab.screen(terminal)).toContainText(new RegExp(interruptAfter))
      await page.keyboard.press('Control+c')
    }
    await expect
      .poll(() => exitsOf(frames), { timeout: 40_000, intervals: [20, 50, 100] })
      .toHaveLength(at + 1)
    expect.soft(exitsOf(frames).at(-1), `${id}: ${line}`).toBe(wanted.exit)
    await lab.waitForPrompt(terminal)
    await lab.expectInput(wanted.exit === 0 ? 'lab$' : `[${wanted.exit}] lab$`, terminal)
  }
})

test('Run while a command runs offers to interrupt it, and then runs', async ({
  page,
  server,
  sharedLab,
}) => {
  const lab = new LabPage(page)
  await lab.openShared(server, sharedLab, `${slug}/`)
  await lab.type('watch UserService')
  await page.keyboard.press('Enter')
  await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
  const other = page.locator('ming-command[data-command="register-cluster"]')
  await other.getByRole('button', { name: /^Run: / }).click()
  await expect(other).toContainText('The terminal is busy with: watch UserService')
  await other.getByRole('button', { name: 'Interrupt it and run this' }).click()
  await expect(lab.screen()).toContainText('Quorum held: 3 of 3')
  await lab.waitForPrompt()
})

/** What the page hears of its lab, frame by frame. */
function listenForFrames(page: Page): string[] {
  const frames: string[] = []
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => frames.push(payload.toString()))
  })
  return frames
}

/** Exit codes in the order in which the page heard of them. */
function exitsOf(frames: readonly string[]): number[] {
  return frames.flatMap((frame) => {
    const message = serverMessage.parse(JSON.parse(frame))
    if (message.type !== 'entries') return []
    return message.entries.flatMap((entry) => (entry.kind === 'exit' ? [entry.code] : []))
  })
}
