import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import commands from '../../content/data/commands.json' with { type: 'json' }
import comparison from '../../content/data/comparison.json' with { type: 'json' }
import faults from '../../content/data/original-faults.json' with { type: 'json' }
import sources from '../../content/data/sources.json' with { type: 'json' }
import { headingsOf, pages, type Page } from './pages.ts'

const idsOf = (page: Page, component: string) =>
  [...page.body.matchAll(new RegExp(`<${component} id="([^"]+)"`, 'g'))].map(([, id]) => id ?? '')

describe('the commands of the pages', () => {
  test.each(pages.map((page) => [page.file, page] as const))(
    'stand on %s in the order of the data file, which is the order they are run in',
    (_, page) => {
      const written = Object.entries(commands)
        .filter(([, command]) => command.page === page.slug)
        .map(([id]) => id)
      expect(idsOf(page, 'Command')).toEqual(written)
    },
  )

  test('have valid patterns and a recorded output in both languages', () => {
    const unfinished = Object.entries(commands).filter(([, { sample, expect: wanted }]) => {
      for (const pattern of wanted.output) new RegExp(pattern)
      return sample.en === '' || sample['zh-CN'] === ''
    })
    expect(unfinished.map(([id]) => id)).toEqual([])
  })
})

describe('the sources', () => {
  const known = sources.map((source) => source.id)
  const used = [
    ...pages.flatMap((page) => idsOf(page, 'Source')),
    ...comparison.rows.flatMap((row) => Object.values(row.cells).map((cell) => cell.source)),
    ...faults.flatMap((fault) => fault.peers.map((peer) => peer.source)),
  ]

  test('have one id each, a title, an author, a date and a secure address', () => {
    expect(new Set(known).size).toBe(known.length)
    const incomplete = sources.filter(
      ({ title, author, date, url }) =>
        !title || !author || !/^\d{4}(-\d{2}){0,2}$/.test(date) || !url.startsWith('https://'),
    )
    expect(incomplete).toEqual([])
  })

  test('are all known', () => {
    expect(used.filter((id) => !known.includes(id))).toEqual([])
  })

  test('are all used', () => {
    expect(known.filter((id) => !used.includes(id))).toEqual([])
  })
})

describe('the comparison', () => {
  test.each(comparison.rows.map((row) => [row.id, row] as const))(
    'has a sourced cell in both languages for every system in the row %s',
    (_, row) => {
      expect(Object.keys(row.cells).sort()).toEqual(Object.keys(comparison.systems).sort())
      const empty = Object.values(row.cells).filter((cell) => !cell.says.en || !cell.says['zh-CN'])
      expect(empty).toEqual([])
    },
  )
})

/** Links within the site, as written in the Markdown of a page. */
function linksOf(page: Page): string[] {
  return [...page.prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** Why a link leads nowhere; null when it is good. */
function problemOf(page: Page, link: string): string | null {
  if (link.startsWith('/')) return 'starts with a slash: breaks under a sub-path'
  const [path = '', hash = ''] = link.split('#')
  if (path !== '' && !path.endsWith('/')) return 'has no slash at its end'
  const here = page.slug === '' ? '/' : `/${page.slug}/`
  const slug = posix.join(here, path).replace(/^\/|\/$/g, '')
  const target = pages.find((other) => other.slug === slug && other.language === page.language)
  if (!target) return 'there is no such page'
  const ids = headingsOf(target).map((heading) => heading.id)
  return hash === '' || ids.includes(decodeURIComponent(hash)) ? null : 'there is no such heading'
}

test('every link between pages leads to a page and a heading of the same language', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page)
      .map((link) => ({ file: page.file, link, problem: problemOf(page, link) }))
      .filter(({ problem }) => problem !== null),
  )
  expect(broken).toEqual([])
})
