import path from 'node:path'
import { chromium, type Browser, type Page } from '@playwright/test'
import { startLabServer, type LabServer } from '../helpers/lab-server.ts'
import { WsClient } from '../helpers/ws-client.ts'
import {
  informationRow,
  type BenchContext,
  type Benchmark,
  type BenchResult,
  type BenchRow,
} from './benchmark.ts'
import { median } from './statistics.ts'

const rounds = 20
/** Milliseconds. */
const bound = 200
const slug = 'lab/kill-the-leader/'

/** Instants of the page's own clock, milliseconds; null until they have come. */
interface Instants {
  pressed: number | null
  leaderSeen: number | null
  usable: number | null
}

declare global {
  interface Window {
    benchInstants: Instants
  }
}

export const promptReady: Benchmark = {
  name: 'prompt-ready',
  summary: 'from the leader that the page hears of to a prompt that takes a command, in a browser',
  async run(context) {
    const siteDir = path.resolve(import.meta.dirname, '../../dist')
    const server = await startLabServer({ siteDir, env: { LOG_LEVEL: 'warn' } })
    const browser = await launch()
    try {
      return await measure(browser, server, context)
    } finally {
      await browser.close()
      await server.close()
    }
  },
}

function launch(): Promise<Browser> {
  const executablePath = process.env['LAB_CHROMIUM']
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    ...(process.getuid?.() === 0 ? { args: ['--no-sandbox'] } : {}),
  })
}

async function measure(
  browser: Browser,
  server: LabServer,
  context: BenchContext,
): Promise<BenchResult> {
  const count = context.rounds ?? rounds
  const prompt: number[] = []
  const whole: number[] = []
  while (prompt.length < count) {
    context.signal.throwIfAborted()
    const { pressed, leaderSeen, usable } = await startOneLab(browser, server)
    prompt.push(usable - leaderSeen)
    whole.push(usable - pressed)
    const took = (usable - leaderSeen).toFixed(0)
    context.progress(`prompt-ready ${prompt.length}/${count}: ${took} ms`)
  }
  return summarize(prompt, whole)
}

/** A reader who was never here: nothing of the terminal is in the browser's cache. */
async function startOneLab(
  browser: Browser,
  server: LabServer,
): Promise<{ pressed: number; leaderSeen: number; usable: number }> {
  const page = await browser.newPage()
  try {
    await page.addInitScript(noteInstants)
    await page.goto(`${server.url}${slug}`)
    await page.locator('[data-lab-action=start]:visible').first().click()
    await page.waitForFunction(() => window.benchInstants.usable !== null, null, { polling: 50 })
    await proveUsable(page)
    const { pressed, leaderSeen, usable } = await page.evaluate(() => window.benchInstants)
    if (pressed === null || leaderSeen === null || usable === null) {
      throw new Error('the page came to a prompt without hearing of a leader')
    }
    return { pressed, leaderSeen, usable }
  } finally {
    await endLab(page, server)
    await page.close()
  }
}

/** Runs in the page, before anything of its own. */
function noteInstants(): void {
  const instants: Instants = { pressed: null, leaderSeen: null, usable: null }
  window.benchInstants = instants
  addEventListener('click', () => (instants.pressed ??= performance.now()), { capture: true })
  const namesLeader = (data: unknown): boolean =>
    typeof data === 'string' && /^\{"type":"lab".*"leader":"etcd/.test(data)
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      this.addEventListener('message', ({ data }) => {
        if (namesLeader(data)) instants.leaderSeen ??= performance.now()
      })
    }
  }
  const look = (): void => {
    const terminal = document.querySelector('ming-terminal[data-state="idle"]')
    const rows = terminal?.querySelector('.xterm-rows')?.textContent ?? ''
    if (rows.includes('lab$')) instants.usable ??= performance.now()
  }
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributeFilter: ['data-state'],
  })
}

/** A prompt is one only if a command typed there runs. */
async function proveUsable(page: Page): Promise<void> {
  await page.locator('ming-terminal textarea').first().focus()
  await page.keyboard.type('cluster')
  await page.keyboard.press('Enter')
  const screen = page.locator('ming-terminal .xterm-rows').first()
  await screen.getByText('Quorum held').first().waitFor()
}

async function endLab(page: Page, server: LabServer): Promise<void> {
  const token = await page.evaluate(() => localStorage.getItem('ming-lab:token:/'))
  if (token === null) return
  const client = await WsClient.connect(server, token)
  await client.request('done', { type: 'lab.end' })
  await client.close()
}

function summarize(prompt: readonly number[], whole: readonly number[]): BenchResult {
  return {
    rows: [
      boundRow('prompt-ready', median(prompt)),
      boundRow('prompt-ready: slowest', Math.max(...prompt)),
      informationRow({
        name: 'prompt-ready: from the button to the prompt',
        value: median(whole),
        unit: 'ms',
      }),
    ],
    samples: { 'leader seen to prompt': prompt, 'button to prompt': whole },
  }
}

function boundRow(name: string, value: number): BenchRow {
  return { name, value, unit: 'ms', baseline: null, ratio: null, bound, ok: value <= bound }
}
