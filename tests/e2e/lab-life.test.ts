import type { Page, WebSocketRoute } from '@playwright/test'
import { startLabServer } from '../helpers/lab-server.ts'
import { expect, LabPage, siteDir, test } from './fixtures.ts'

test('a reload finds the lab again, with its scrollback and its running watch', async ({
  page,
  server,
}) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  await lab.run('register UserService 127.0.0.1:8080')
  await lab.type('watch UserService')
  await page.keyboard.press('Enter')
  await expect(lab.terminal()).toHaveAttribute('data-state', 'running')

  await page.reload()
  await expect(lab.screen()).toContainText('Registered UserService 127.0.0.1:8080')
  await expect(lab.terminal()).toHaveAttribute('data-state', 'running')

  // Another tab of the same browser: same lab, its own terminal.
  const other = new LabPage(await page.context().newPage())
  await other.open(server, 'lab/register-and-discover/')
  await other.waitForPrompt()
  await other.run('register UserService 127.0.0.1:8081')
  await expect(lab.screen()).toContainText('127.0.0.1:8081')

  await page.bringToFront()
  await lab.terminal().locator('textarea').focus()
  await page.keyboard.press('Control+C')
  await lab.waitForPrompt()
  expect(occurrences(await lab.screen().innerText(), '127.0.0.1:8081')).toBe(1)
})

test('a lost connection is said, and what happened meanwhile is shown once', async ({
  page,
  server,
}) => {
  const line = await cuttableLine(page)
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  await lab.type('watch UserService')
  await page.keyboard.press('Enter')
  await expect(lab.terminal()).toHaveAttribute('data-state', 'running')

  const other = new LabPage(await page.context().newPage())
  await other.open(server, 'lab/register-and-discover/')
  await other.waitForPrompt()
  await other.run('register UserService 127.0.0.1:8081')
  await expect(lab.screen()).toContainText('127.0.0.1:8081')

  line.cut()
  await expect(lab.status).toContainText('connection to the lab server is lost')
  await other.run('register UserService 127.0.0.1:8082')
  await expect(other.screen()).toContainText('Registered UserService 127.0.0.1:8082')
  line.mend()
  await expect(lab.screen()).toContainText('127.0.0.1:8082')
  await expect(lab.terminal()).toHaveAttribute('data-state', 'running')
  const text = await lab.screen().innerText()
  expect(occurrences(text, '127.0.0.1:8081')).toBe(1)
  expect(occurrences(text, '127.0.0.1:8082')).toBe(1)
})

test('two browsers never see each other', async ({ browser, server }) => {
  const [first, second] = await Promise.all([browser.newContext(), browser.newContext()])
  const one = new LabPage(await first.newPage())
  const two = new LabPage(await second.newPage())
  await one.open(server)
  await one.startLab()
  await two.open(server)
  await expect(two.startButton).toBeVisible()
  await two.startLab()

  await one.run('register SecretService 127.0.0.1:8080')
  await two.run('services')
  await two.run('etcdctl get "" --from-key --keys-only')
  await expect(two.screen()).not.toContainText('SecretService')
  await one.run('kill leader')
  await expect(one.panel).toHaveAttribute('data-running', '2')
  await expect(two.panel).toHaveAttribute('data-running', '3')
  await Promise.all([first.close(), second.close()])
})

test('a restarted server is explained, and a new lab can be started', async ({ page }) => {
  const before = await startLabServer({ siteDir })
  const lab = new LabPage(page)
  await lab.open(before)
  await lab.startLab()
  const { port } = before
  await before.close()
  const after = await startLabServer({ siteDir, env: { PORT: String(port) } })
  try {
    await expect(lab.status).toContainText('was restarted', { timeout: 30_000 })
    await page.getByRole('button', { name: 'Start a new lab' }).first().click()
    await lab.waitUntilReady()
    await lab.run('cluster')
    await expect(lab.screen()).toContainText('Quorum held')
  } finally {
    await after.close()
  }
})

test('the lab ends when the reader says so, in every tab', async ({ page, server }) => {
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  const other = new LabPage(await page.context().newPage())
  await other.open(server)
  await other.waitForPrompt()
  await lab.page.getByRole('button', { name: 'End the lab' }).first().click()
  await lab.page.getByRole('button', { name: 'End it', exact: true }).first().click()
  await expect(lab.status).toContainText('has been ended')
  await expect(other.status).toContainText('has been ended')
})

test('when every lab is in use the reader learns when to try again', async ({ browser }) => {
  const server = await startLabServer({ siteDir, env: { LAB_MAX: '1' } })
  try {
    const [first, second] = await Promise.all([browser.newContext(), browser.newContext()])
    const one = new LabPage(await first.newPage())
    await one.open(server)
    await one.startLab()
    const two = new LabPage(await second.newPage(), 'zh-CN')
    await two.open(server)
    await two.startButton.click()
    await expect(two.page.locator('.ming-lab-bar')).toContainText(/\d+\s*(分|秒|min)/)
    await Promise.all([first.close(), second.close()])
  } finally {
    await server.close()
  }
})

test('without a lab server the pages read well and say how to get one', async ({
  page,
  server,
}) => {
  await page.route('**/healthz', (route) => route.fulfill({ status: 404, body: 'no such page' }))
  const lab = new LabPage(page)
  await lab.open(server)
  await expect(page.locator('ming-lab').first()).toContainText('npm start')
  await expect(lab.startButton).toBeHidden()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kill the leader')
  const chinese = new LabPage(page, 'zh-CN')
  await chinese.open(server)
  await expect(page.locator('ming-lab').first()).toContainText('npm start')
})

test('the site and the lab work under a sub-path', async ({ page }) => {
  const { buildSiteAt } = await import('../helpers/build-site.ts')
  const built = await buildSiteAt('/team/lab/')
  const server = await startLabServer({ siteDir: built.dir, env: { BASE_PATH: '/team/lab/' } })
  try {
    const lab = new LabPage(page)
    await lab.open(server)
    await lab.startLab()
    await lab.run('register UserService 127.0.0.1:8080')
    await expect(lab.screen()).toContainText('Registered')
  } finally {
    await server.close()
    await built.remove()
  }
})

/** The page's WebSocket to the real server, through a line that can be cut and mended. */
async function cuttableLine(page: Page): Promise<{ cut(): void; mend(): void }> {
  const open = new Set<WebSocketRoute>()
  let whole = true
  await page.routeWebSocket(/\/ws$/, (route) => {
    if (!whole) {
      void route.close({ code: 1001 })
      return
    }
    route.connectToServer()
    open.add(route)
  })
  return {
    cut() {
      whole = false
      for (const route of open) void route.close({ code: 1001 })
      open.clear()
    },
    mend() {
      whole = true
    },
  }
}

function occurrences(text: string, part: string): number {
  return text.split(part).length - 1
}
