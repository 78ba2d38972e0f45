import { readdirSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { pages as allPages, twinOf, type Page as DocsPage } from '../docs/pages.ts'
import { addressOf, expect, LabPage, siteDir, test } from './fixtures.ts'

/** Without the two that answer an address that leads nowhere. */
const pages = allPages.filter(({ slug }) => slug !== '404')
const themes = ['light', 'dark'] as const
const addressOfPage = (server: { url: string }, { language, slug }: DocsPage) =>
  `${server.url}${language === 'en' ? '' : 'zh-cn/'}${slug === '' ? '' : `${slug}/`}`

test('the built site has the pages of content/docs and a 404 page, and no other', () => {
  const built = readdirSync(siteDir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html'))
    .sort()
  const written = pages.map(({ language, slug }) =>
    path.join(language === 'en' ? '' : 'zh-cn', slug, 'index.html'),
  )
  const notFound = ['404.html', path.join('zh-cn', '404', 'index.html')]
  expect(built).toEqual([...written, ...notFound].sort())
})

for (const docsPage of pages) {
  test(`${docsPage.file} is accessible in both themes, sound and fits a phone`, async ({
    page,
    server,
  }) => {
    const trouble = listenForTrouble(page)
    await page.goto(addressOfPage(server, docsPage))
    await expect(page.locator('html')).toHaveAttribute('lang', docsPage.language)
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1)
    for (const theme of themes) await expectNoViolation(page, theme)

    const link = page.locator('header a.language')
    const twin = twinOf(docsPage)
    if (twin === undefined) throw new Error(`${docsPage.file} has no twin`)
    await expect(link).toHaveAttribute('hreflang', twin.language)
    await page.setViewportSize({ width: 390, height: 844 })
    expect.soft(await tooWide(page)).toEqual([])
    await link.click()
    await expect(page).toHaveURL(addressOfPage(server, twin))
    await expect(page.locator('html')).toHaveAttribute('lang', twin.language)
    expect(trouble).toEqual([])
  })
}

for (const [address, language, words] of [
  ['nowhere/', 'en', 'There is no page here'],
  ['zh-cn/lab/nowhere/', 'zh-CN', '这个地址没有页面'],
] as const) {
  test(`an address without a page is answered with 404 in the language of the address (${language})`, async ({
    page,
    server,
  }) => {
    const response = await page.goto(`${server.url}${address}`)
    expect(response?.status()).toBe(404)
    await expect(page.locator('html')).toHaveAttribute('lang', language)
    await expect(page.locator('main')).toContainText(words)
    for (const theme of themes) await expectNoViolation(page, theme)
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await tooWide(page)).toEqual([])
  })
}

test('every internal link leads to a page that is there, and to a place on it', async ({
  page,
  server,
}) => {
  const places = new Map<string, ReadonlySet<string>>()
  const links: { from: string; to: URL }[] = []
  for (const docsPage of pages) {
    const from = addressOfPage(server, docsPage)
    await page.goto(from)
    const found = await page.evaluate(() => ({
      ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      hrefs: [...document.querySelectorAll('a[href], link[href]')].map((link) =>
        link instanceof HTMLAnchorElement || link instanceof HTMLLinkElement ? link.href : '',
      ),
    }))
    places.set(from, new Set(found.ids))
    const own = found.hrefs.filter((href) => href.startsWith(server.url))
    links.push(...own.map((href) => ({ from, to: new URL(href) })))
  }
  expect(links.length).toBeGreaterThan(100)
  const broken: string[] = []
  for (const address of new Set(links.map(({ to }) => to.origin + to.pathname))) {
    const answer = await page.request.get(address, { maxRedirects: 0 })
    if (answer.status() !== 200) broken.push(`${address}: ${String(answer.status())}`)
  }
  for (const { from, to } of links) {
    const ids = places.get(to.origin + to.pathname)
    const id = decodeURIComponent(to.hash.slice(1))
    if (ids && id !== '' && !ids.has(id)) broken.push(`${from} → ${to.href}: no such place`)
  }
  expect(broken).toEqual([])
})

test.describe('what a page loads', () => {
  test('a reading page weighs at most 70 KiB compressed, fonts apart, and loads no terminal', async ({
    page,
    server,
  }) => {
    const loaded = listenForBodies(page)
    await page.goto(addressOf(server, 'why-etcd/'), { waitUntil: 'networkidle' })
    const bodies = await loaded()
    expect(bodies.filter(({ text }) => text.includes(xtermMark)).map(({ url }) => url)).toEqual([])
    const bytes = bodies.reduce((sum, { text }) => sum + gzipSync(text, { level: 6 }).length, 0)
    test.info().annotations.push({ type: 'weight', description: `${String(bytes)} bytes gzipped` })
    expect(bytes).toBeGreaterThan(5_000)
    expect(bytes).toBeLessThanOrEqual(70 * 1024)
  })

  test('a lab page loads the terminal only when the reader asks for a lab', async ({
    page,
    server,
  }) => {
    const loaded = listenForBodies(page)
    const lab = new LabPage(page)
    await lab.open(server)
    await expect(lab.startButton).toBeVisible()
    await page.waitForLoadState('networkidle')
    const withTerminal = async () =>
      (await loaded()).filter(({ text }) => text.includes(xtermMark)).length
    expect(await withTerminal()).toBe(0)
    await lab.startLab()
    expect(await withTerminal()).toBeGreaterThan(0)
  })
})

test('a running lab is accessible in both themes: live, after a kill, without a quorum', async ({
  page,
  server,
}) => {
  const trouble = listenForTrouble(page)
  const lab = new LabPage(page)
  await lab.open(server)
  await lab.startLab()
  await lab.leader()
  for (const theme of themes) await expectNoViolation(page, theme)

  await lab.run('kill leader')
  await expect(lab.panel).toHaveAttribute('data-running', '2')
  await lab.leader()
  for (const theme of themes) await expectNoViolation(page, theme)
  await page.setViewportSize({ width: 390, height: 844 })
  await expect.poll(() => tooWide(page)).toEqual([])
  await page.setViewportSize({ width: 1280, height: 1100 })

  await lab.panel.getByRole('button', { name: 'Kill the leader' }).click()
  await expect(lab.panel.locator('.ming-panel-lost')).toBeVisible()
  await lab.run('no-such-command')
  await expect(lab.hint()).toBeVisible()
  await lab.terminal().getByRole('button', { name: 'Screen reader mode' }).click()
  for (const theme of themes) await expectNoViolation(page, theme)
  expect(trouble).toEqual([])
})

test('nothing moves for readers who asked for less motion', async ({ page, server }) => {
  const moving = () =>
    page.evaluate(() => document.getAnimations().map((one) => one.constructor.name))
  const whileStarting = async (reducedMotion: 'reduce' | 'no-preference') => {
    await page.emulateMedia({ reducedMotion })
    const bar = page.locator('ming-lab').first()
    await bar.evaluate((lab) => {
      lab.setAttribute('data-situation', 'starting')
    })
    return (await moving()).length
  }
  const lab = new LabPage(page)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await lab.open(server)
  await lab.startLab()
  await lab.leader()
  await lab.run('kill leader')
  await expect(lab.result).toContainText(/took over after \d/)
  expect(await moving()).toEqual([])
  // The same page does move for everybody else.
  expect(await whileStarting('reduce')).toBe(0)
  expect(await whileStarting('no-preference')).toBeGreaterThan(0)
})

test.describe('a browser that prefers Chinese', () => {
  test.use({ locale: 'zh-CN' })

  test('is offered the Chinese page once', async ({ page, server }) => {
    const offer = page.locator('[data-language-offer]')
    await page.goto(addressOf(server, 'why-etcd/'))
    await expect(offer).toBeVisible()
    await expect(offer).toHaveAttribute('lang', 'zh-CN')
    await expectNoViolation(page, 'light')
    await offer.getByRole('button', { name: '继续用英文' }).click()
    await expect(offer).toBeHidden()
    await page.goto(addressOf(server, 'lab/how-it-works/'))
    await page.waitForLoadState('networkidle')
    await expect(offer).toBeHidden()
  })

  test('is led to the same page in Chinese, and not asked again', async ({ page, server }) => {
    const offer = page.locator('[data-language-offer]')
    await page.goto(addressOf(server, 'lab/how-it-works/'))
    await offer.getByRole('link', { name: '阅读中文版' }).click()
    await expect(page).toHaveURL(addressOf(server, 'lab/how-it-works/', 'zh-CN'))
    await expect(offer).toBeHidden()
    await page.goto(addressOf(server, 'why-etcd/'))
    await page.waitForLoadState('networkidle')
    await expect(offer).toBeHidden()
  })
})

test('a browser that prefers the language of the page is offered nothing', async ({
  page,
  server,
}) => {
  await page.goto(addressOf(server, 'why-etcd/'))
  await page.waitForLoadState('networkidle')
  await expect(page.locator('[data-language-offer]')).toBeHidden()
})

for (const [language, query, found] of [
  ['en', 'lease', 'Register and discover'],
  ['zh-CN', '租约', '注册与发现'],
] as const) {
  test(`the search finds "${query}" and leads there (${language})`, async ({ page, server }) => {
    await page.goto(addressOf(server, '', language), { waitUntil: 'networkidle' })
    await page.keyboard.press('Control+k')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('searchbox').fill(query)
    const result = dialog.getByRole('link').filter({ hasText: found }).first()
    await expect(result).toBeVisible()
    await expect(dialog.locator('mark').first()).toContainText(query, { ignoreCase: true })
    await expectNoViolation(page, 'dark')
    await page.keyboard.press('ArrowDown')
    await expect(dialog.getByRole('link').first()).toBeFocused()
    await result.click()
    await expect(page).toHaveURL(/register-and-discover/)
    await expect(page.locator('html')).toHaveAttribute('lang', language)
    await page.keyboard.press('Control+k')
    await dialog.getByRole('searchbox').fill('zzqxv')
    await expect(dialog.getByRole('status')).not.toBeEmpty()
    await expect(dialog.getByRole('link')).toHaveCount(0)
  })
}

/** A class name that xterm gives an element: in its code under any file name. */
const xtermMark = 'xterm-helper-textarea'

async function expectNoViolation(page: Page, theme: (typeof themes)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme: theme })
  await expect(page.locator('html')).toHaveAttribute('data-theme', theme)
  const { violations, passes } = await new AxeBuilder({ page }).analyze()
  expect(passes.length).toBeGreaterThan(10)
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`),
  )
  expect.soft(found, `axe in the ${theme} theme`).toEqual([])
}

/** Everything that goes wrong in the page by itself, from now on. */
function listenForTrouble(page: Page): string[] {
  const trouble: string[] = []
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) trouble.push(`console: ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) trouble.push(`${String(response.status())}: ${response.url()}`)
  })
  return trouble
}

/** The text of everything the page loads from now on, fonts apart. */
function listenForBodies(page: Page): () => Promise<{ url: string; text: string }[]> {
  const bodies: Promise<{ url: string; text: string }>[] = []
  page.on('requestfinished', (request) => {
    if (request.resourceType() === 'font') return
    bodies.push(
      (async () => {
        const response = await request.response()
        return { url: request.url(), text: (await response?.text()) ?? '' }
      })(),
    )
  })
  return () => Promise.all(bodies)
}

/** What makes the page scroll sideways; empty when nothing does. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const root = document.documentElement
    if (root.scrollWidth <= root.clientWidth) return []
    const wide = [...document.body.querySelectorAll('*')].filter(
      (one) => one.getBoundingClientRect().right > root.clientWidth + 1,
    )
    return wide.slice(0, 5).map((one) => `${one.localName}.${one.getAttribute('class') ?? ''}`)
  })
}
