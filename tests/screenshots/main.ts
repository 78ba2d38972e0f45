import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { chromium, type Browser, type Page } from '@playwright/test'
import { startLabServer, type LabServer } from '../helpers/lab-server.ts'

/**
 * `npm run screenshots`: the pictures of the README, taken from a real lab in which a leader has
 * just been killed.
 */

const root = path.resolve(import.meta.dirname, '../..')
const folder = path.join(root, 'public', 'screenshots')

const pictures = [
  { file: 'lab.png', slug: 'lab/kill-the-leader/', locale: 'en-US' },
  { file: 'lab.zh-cn.png', slug: 'zh-cn/lab/kill-the-leader/', locale: 'zh-CN' },
] as const

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const server = await startLabServer({ siteDir: path.join(root, 'dist') })
  const executablePath = process.env['LAB_CHROMIUM']
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    ...(process.getuid?.() === 0 ? { args: ['--no-sandbox'] } : {}),
  })
  try {
    for (const picture of pictures) await take(browser, server, picture)
  } finally {
    await browser.close()
    await server.close()
  }
}

async function take(
  browser: Browser,
  server: LabServer,
  { file, slug, locale }: (typeof pictures)[number],
): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 1180 },
    colorScheme: 'light',
    locale,
  })
  await page.goto(`${server.url}${slug}`)
  await page.locator('[data-lab-action=start]').first().click()
  await prompt(page)
  await run(page, 'register UserService 127.0.0.1:8080')
  await run(page, 'kill leader')
  await page.locator('ming-cluster[data-running="2"]').waitFor()
  const target = path.join(folder, file)
  await page.screenshot({ path: target })
  await page.close()
  process.stdout.write(`${path.relative(root, target)}\n`)
}

async function run(page: Page, line: string): Promise<void> {
  const screen = page.locator('ming-terminal .xterm-rows').first()
  await page.locator('ming-terminal textarea').first().focus()
  await page.keyboard.type(line)
  const typed = await screen.innerText()
  await page.keyboard.press('Enter')
  await page.waitForFunction(
    (before) => document.querySelector<HTMLElement>('.xterm-rows')?.innerText !== before,
    typed,
  )
  await prompt(page)
}

async function prompt(page: Page): Promise<void> {
  await page.locator('ming-terminal[data-state=idle]').first().waitFor({ timeout: 60_000 })
}

await main()
