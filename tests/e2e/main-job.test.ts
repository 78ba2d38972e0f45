import { expect, LabPage, test, type Language } from './fixtures.ts'
import { doMainJob } from './main-job.ts'

for (const language of ['en', 'zh-CN'] as const satisfies readonly Language[]) {
  test(`a reader registers, kills the leader, sees the gap and brings the member back (${language})`, async ({
    page,
    server,
  }) => {
    await doMainJob(page, server, language)
  })
}

test('the panel alone kills the leader and brings it back', async ({ page, server }) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  const first = await lab.leader()
  await lab.panel.getByRole('button', { name: 'Kill the leader' }).click()
  await expect(lab.member(first)).toHaveAttribute('data-look', 'killed')
  await expect(lab.result).toContainText(/took over after \d/)
  await expect(lab.result).toContainText(/first write was acknowledged after \d/)
  await lab.panel.getByRole('button', { name: `Start ${first}` }).click()
  await expect(lab.panel).toHaveAttribute('data-running', '3')
  await expect(lab.member(first)).toHaveAttribute('data-look', 'follower')
})

test('a paused leader is replaced, and follows when it is resumed', async ({ page, server }) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  const first = await lab.leader()
  await lab.panel.getByRole('button', { name: `Pause ${first}` }).click()
  await expect(lab.member(first)).toHaveAttribute('data-look', 'paused')
  await expect(lab.result).toContainText(/took over after \d/)
  await lab.panel.getByRole('button', { name: `Resume ${first}` }).click()
  await expect(lab.member(first)).toHaveAttribute('data-look', 'follower')
})

test('a second kill loses the quorum, and the page explains it and the way back', async ({
  page,
  server,
}) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  await lab.run('register UserService 127.0.0.1:8080')
  await lab.run('kill leader')
  await lab.run('kill leader')
  await expect(lab.panel).toHaveAttribute('data-running', '1')
  await expect(lab.panel).toHaveAttribute('data-leader', '')
  await expect(lab.panel.locator('.ming-panel-lost')).toContainText('Quorum is lost')

  await lab.run('register OtherService 127.0.0.1:8081')
  await expect(lab.hint()).toHaveAttribute('data-code', 'QUORUM_LOST')
  await expect(lab.hint()).toContainText('Bring a member back')

  await lab.panel
    .getByRole('button', { name: /^Bring etcd\d back$/ })
    .first()
    .click()
  await expect(lab.panel).toHaveAttribute('data-running', '2')
  await lab.leader()
  await expect(lab.panel.locator('.ming-panel-lost')).toBeHidden()
  await expect(lab.panel.locator('.ming-hidden[role=status]')).toContainText('Quorum is back')
  await lab.run('clear')
  await lab.run('discover UserService')
  await expect(lab.screen()).toContainText('127.0.0.1:8080')
})

test('everything can be done with the keyboard alone', async ({ page, server }) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await pressTabUntil(lab, lab.startButton)
  await page.keyboard.press('Enter')
  await lab.waitUntilReady()

  const input = lab.terminal().locator('textarea')
  if (!(await isFocused(input))) await pressTabUntil(lab, input)
  await page.keyboard.type('register UserService 127.0.0.1:8080')
  await page.keyboard.press('Enter')
  await expect(lab.screen()).toContainText('Registered')
  await lab.waitForPrompt()

  // Tab belongs to the terminal until Esc lets go of it.
  await page.keyboard.type('disc')
  await page.keyboard.press('Tab')
  await expect(lab.screen()).toContainText('discover')
  expect(await isFocused(input)).toBe(true)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  expect(await isFocused(input)).toBe(false)

  const first = await lab.leader()
  await pressTabUntil(lab, lab.panel.getByRole('button', { name: 'Kill the leader' }))
  await page.keyboard.press('Enter')
  await expect(lab.member(first)).toHaveAttribute('data-look', 'killed')
  await expect(lab.result).toContainText(/took over after \d/)
  await pressTabUntil(lab, lab.panel.getByRole('button', { name: `Start ${first}` }))
  await page.keyboard.press('Enter')
  await expect(lab.panel).toHaveAttribute('data-running', '3')
})

async function isFocused(target: ReturnType<LabPage['screen']>): Promise<boolean> {
  return target.evaluate((node) => node === document.activeElement)
}

/** Goes through the page as a keyboard reader does; from a terminal, with the key that leaves it. */
async function pressTabUntil(lab: LabPage, target: ReturnType<LabPage['screen']>): Promise<void> {
  await expect(target).toBeVisible()
  for (let presses = 0; presses < 150; presses += 1) {
    if (await isFocused(target)) return
    await lab.page.keyboard.press('Escape')
    await lab.page.keyboard.press('Tab')
  }
  throw new Error('150 presses of Tab did not reach the control')
}
