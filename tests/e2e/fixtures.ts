import path from 'node:path'
import { expect, test as base, type Locator, type Page } from '@playwright/test'
import { startLabServer, type LabAddress, type LabServer } from '../helpers/lab-server.ts'
import { WsClient } from '../helpers/ws-client.ts'

/** The site as `npm start` builds it. */
export const siteDir = path.resolve(import.meta.dirname, '../../dist')

interface WorkerFixtures {
  /** One real lab server for the tests of a file that do not need their own. */
  readonly server: LabServer
  /** Token of a lab that tests share which leave its cluster healthy; see `LabPage.openShared`. */
  readonly sharedLab: string
}

interface TestFixtures {
  /** Labs that a test started end with it, so that they do not pile up on the machine. */
  readonly endedLabs: undefined
  /** "Kill the leader" with the shared lab on it, ready for typing. */
  readonly lab: LabPage
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
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
  sharedLab: [
    async ({ server }, use) => {
      const client = await WsClient.connect(server)
      const token = await client.createLab()
      await client.close()
      shared.add(token)
      await use(token)
    },
    { scope: 'worker' },
  ],
  endedLabs: [
    async ({ context, server }, use) => {
      await use(undefined)
      const { origins } = await context.storageState()
      const kept = origins.flatMap(({ localStorage }) => localStorage)
      const tokens = kept.filter(({ name }) => name.startsWith('ming-lab:token:'))
      for (const { value } of tokens) if (!shared.has(value)) await endLab(server, value)
    },
    { auto: true },
  ],
  lab: async ({ page, server, sharedLab }, use) => {
    const lab = new LabPage(page)
    await lab.openShared(server, sharedLab)
    await use(lab)
  },
  // High enough for what a command prints to stay on the terminal's screen.
  viewport: { width: 1280, height: 1100 },
})

const shared = new Set<string>()

async function endLab(server: LabAddress, token: string): Promise<void> {
  const client = await WsClient.open(server)
  const { lab } = await client.hello(token)
  if (lab !== null && lab.phase !== 'gone') await client.request('done', { type: 'lab.end' })
  await client.close()
}

export { expect }

export type Language = 'en' | 'zh-CN'

const startWords: Readonly<Record<Language, string>> = {
  en: 'Start a lab',
  'zh-CN': '启动实验环境',
}

export function addressOf(server: LabAddress, slug: string, language: Language = 'en'): string {
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

  async open(server: LabAddress, slug = 'lab/kill-the-leader/'): Promise<void> {
    await this.page.goto(addressOf(server, slug, this.language))
  }

  /** Opens a page in the lab that several tests share. */
  async openShared(
    server: LabAddress,
    token: string,
    slug = 'lab/kill-the-leader/',
  ): Promise<void> {
    await this.page.addInitScript((value) => {
      localStorage.setItem('ming-lab:token:/', value)
    }, token)
    await this.open(server, slug)
    await this.waitUntilReady()
  }

  get startButton(): Locator {
    return this.page.getByRole('button', { name: startWords[this.language], exact: true }).first()
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

  /** Words that stand on the screen, wherever its lines break between them. */
  async expectOnScreen(words: string | RegExp, number = 1): Promise<void> {
    await expect(this.screen(number)).toContainText(words, { useInnerText: true })
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

  /** The line being edited with its prompt, across the rows it takes. */
  inputLine(number = 1): Promise<string> {
    return this.screen(number).evaluate((screen) => {
      const rows = [...screen.children]
      const cursor = rows.findIndex((row) => row.querySelector('.xterm-cursor') !== null)
      const starts = /^(?:\[\d+\] )?lab\$ |^\(search: /
      const first = rows.findLastIndex(
        (row, at) => at <= cursor && starts.test(`${row.textContent} `),
      )
      const text = rows.slice(Math.max(first, 0)).map((row) => row.textContent)
      return text.join('').trimEnd()
    })
  }

  async expectInput(line: string, number = 1): Promise<void> {
    await expect
      .poll(() => this.inputLine(number), { intervals: [20, 50, 100] })
      .toBe(line.trimEnd())
  }

  /** Where the cursor stands, in pixels from the left edge of the screen. */
  cursorX(number = 1): Promise<number> {
    return this.screen(number).evaluate((screen) => {
      const cursor = screen.querySelector('.xterm-cursor')
      if (cursor === null) throw new Error('the cursor is not on the screen')
      return cursor.getBoundingClientRect().left - screen.getBoundingClientRect().left
    })
  }

  /** The member that the panel shows as the leader; waits until there is one. */
  async leader(): Promise<string> {
    await expect(this.panel).toHaveAttribute('data-leader', /^etcd[123]$/)
    return (await this.panel.getAttribute('data-leader')) ?? ''
  }
}
