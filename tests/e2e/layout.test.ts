import { addressOf, expect, LabPage, test, type Language } from './fixtures.ts'

const languages = ['en', 'zh-CN'] as const satisfies readonly Language[]
const laptops = [
  { width: 1200, height: 720 },
  { width: 1280, height: 720 },
  { width: 1366, height: 768 },
  { width: 1440, height: 900 },
] as const

for (const language of languages) {
  test(`on a laptop no button leaves the panel and the terminal shows what is printed (${language})`, async ({
    page,
    server,
    sharedLab,
  }) => {
    const lab = new LabPage(page, language)
    await lab.openShared(server, sharedLab)
    await lab.leader()
    // A terminal that was never used draws no cursor, whose width is that of a character.
    await lab.terminal().locator('textarea').focus()
    for (const size of laptops) {
      await page.setViewportSize(size)
      await expect.poll(() => buttonsOutside(lab), { message: `${size.width} px` }).toEqual([])
      await expect.poll(() => lab.screen().locator('> div').count()).toBeGreaterThanOrEqual(12)
      await expect.poll(() => columns(lab)).toBeGreaterThanOrEqual(60)
    }
  })

  test(`the header of a narrow phone keeps its controls apart (${language})`, async ({
    page,
    server,
  }) => {
    await page.setViewportSize({ width: 320, height: 640 })
    await page.goto(addressOf(server, 'lab/kill-the-leader/', language))
    const link = await page.locator('header .language').boundingBox()
    const menu = await page.locator('.sl-menu-button').boundingBox()
    if (!link || !menu) throw new Error('the language link or the menu button is not shown')
    expect(link.x + link.width).toBeLessThanOrEqual(menu.x)
  })
}

test('what the lab has to say stays in sight while its column scrolls', async ({
  page,
  server,
  sharedLab,
}) => {
  const lab = new LabPage(page)
  await page.setViewportSize({ width: 1280, height: 720 })
  await lab.openShared(server, sharedLab)
  await lab.leader()
  await page.locator('.ming-strip-drawing').scrollIntoViewIfNeeded()
  await expect(lab.panel.locator('.ming-strip-drawing')).toBeInViewport({ ratio: 1 })
  await expect(lab.status).toBeInViewport({ ratio: 1 })
})

test('Tab on a line that is too long says so as Enter does', async ({
  page,
  server,
  sharedLab,
}) => {
  const lab = new LabPage(page)
  await lab.openShared(server, sharedLab)
  await lab.terminal().locator('textarea').focus()
  await page.keyboard.insertText('x'.repeat(5000))
  await page.keyboard.press('Tab')
  await expect(lab.hint()).toHaveAttribute('data-code', 'LINE_TOO_LONG')
  await page.keyboard.press('Control+C')
})

test('once the reader has ended the lab the terminal waits again, and opens for the next', async ({
  page,
  server,
}) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  const bar = page.locator('.ming-lab-buttons').first()
  await bar.getByRole('button').first().click()
  await bar.getByRole('button').first().click()
  await expect(page.locator('ming-lab')).toHaveAttribute('data-situation', 'gone')
  await expect(lab.terminal().locator('.ming-waiting')).toBeVisible()
  await expect(lab.terminal().locator('.xterm')).toHaveCount(0)
  await bar.getByRole('button').first().click()
  await lab.waitUntilReady()
  await lab.run('discover UserService')
  await expect(lab.terminal().locator('.ming-waiting')).toHaveCount(0)
})

/** Names of the panel's buttons that stand out of its box. */
function buttonsOutside(lab: LabPage): Promise<string[]> {
  return lab.panel.evaluate((panel) => {
    const frame = panel.getBoundingClientRect()
    return [...panel.querySelectorAll('button')]
      .filter((one) => {
        const { left, right, width } = one.getBoundingClientRect()
        return width > 0 && (left < frame.left || right > frame.right)
      })
      .map((one) => one.textContent)
  })
}

/** How many characters a line of the terminal takes; 0 while it is being drawn anew. */
function columns(lab: LabPage): Promise<number> {
  return lab.terminal().evaluate((terminal) => {
    const screen = terminal.querySelector('.xterm-screen')
    const cursor = terminal.querySelector('.xterm-cursor')
    if (!screen || !cursor) return 0
    const { width } = screen.getBoundingClientRect()
    return Math.round(width / cursor.getBoundingClientRect().width)
  })
}
