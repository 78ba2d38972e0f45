import path from 'node:path'
import { expect, test as base, type Locator, type Page } from '@playwright/test'
import { startLabServer, type LabServer } from '../helpers/lab-server.ts'

/** The site as `npm start` builds it. */
export const siteDir = path.resolve(import.meta.dirname, '../../dist')

interface WorkerFixtures {
  /** One real lab server for the tests of a file that do not need their own. */
  readonly server: LabServer
}

export const test = base.extend<object, WorkerFixtures>({
  server: [
    // Playwright wants the destructuring even where nothing is taken.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const server = await startLabServer({ siteDir })
      await use(server)
      await server.close()
    },
    { scope: 'worker' },
  ],
  // High enough for what a command prints to stay on the terminal's screen.
  viewport: { width: 1280, height: 1100 },
})

export { expect }

export type Language = 'en' | 'zh-CN'

const words = {
  en: { start: 'Start a lab', ready: 'Your lab is running', input: /^Command line of terminal/ },
  'zh-CN': { start: '启动实验环境', ready: '你的实验环境正在运行', input: /命令行/ },
} as const

export function addressOf(server: LabServer, slug: string, language: Language = 'en'): string {
  return `${server.url}${language === 'en' ? '' : 'zh-cn/'}${slug}`
}

/** A page with a lab on it, used as a reader does. */
export class LabPage {
  readonly page: Page
  readonly language: Language

  constructor(page: Page, language: Language = 'en') {
    this.page = page
    this.language = language
  }

  async open(server: LabServer, slug = 'lab/kill-the-leader/'): Promise<void> {
    await this.page.goto(addressOf(server, slug, this.language))
  }

  get startButton(): Locator {
    return this.page.getByRole('button', { name: words[this.language].start, exact: true }).first()
  }

  get status(): Locator {
    return this.page.locator('.ming-lab-status').first()
  }

  get panel(): Locator {
    return this.page.locator('ming-cluster').first()
  }

  get result(): Locator {
    return this.panel.locator('.ming-panel-result')
  }

  terminal(number = 1): Locator {
    return this.page.locator(`ming-terminal[data-number="${number}"]`)
  }

  screen(number = 1): Locator {
    return this.terminal(number).locator('.xterm-rows')
  }

  hint(number = 1): Locator {
    return this.terminal(number).locator('.ming-terminal-hint')
  }

  member(name: string): Locator {
    return this.panel
      .locator('li.ming-member')
      .filter({ has: this.page.locator('strong').filter({ hasText: name }) })
  }

  async startLab(): Promise<void> {
    await this.startButton.click()
    await this.waitUntilReady()
  }

  async waitUntilReady(): Promise<void> {
    await expect(this.page.locator('ming-lab').first()).toHaveAttribute('data-situation', 'ready', {
      timeout: 40_000,
    })
    await this.waitForPrompt()
  }

  async waitForPrompt(number = 1): Promise<void> {
    await expect(this.terminal(number)).toHaveAttribute('data-state', 'idle', { timeout: 30_000 })
  }

  async type(text: string, number = 1): Promise<void> {
    await this.terminal(number).locator('textarea').focus()
    await this.page.keyboard.type(text)
  }

  /** Types a line, presses Enter, and waits until the prompt is back below what it printed. */
  async run(line: string, number = 1): Promise<void> {
    await this.type(line, number)
    const typed = await this.screen(number).innerText()
    await this.page.keyboard.press('Enter')
    await expect(this.screen(number)).not.toHaveText(typed, { useInnerText: true })
    await this.waitForPrompt(number)
  }

  /** The member that the panel shows as the leader; waits until there is one. */
  async leader(): Promise<string> {
    await expect(this.panel).toHaveAttribute('data-leader', /^etcd[123]$/)
    return (await this.panel.getAttribute('data-leader')) ?? ''
  }
}
