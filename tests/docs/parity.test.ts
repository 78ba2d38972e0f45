import { describe, expect, test } from 'vitest'
import { componentsOf, englishPages, headingsOf, pages, twinOf, type Page } from './pages.ts'

/** What both languages must share of a page: its blocks, not its words. */
function shapeOf(page: Page) {
  return {
    frontmatter: page.frontmatter.replace(
      /^( *(?:title|description|tagline|content)): .*$/gm,
      '$1',
    ),
    headings: headingsOf(page).map((heading) => heading.level),
    components: componentsOf(page),
    codeBlocks: [...page.body.matchAll(/```[\s\S]*?```/g)].map(([block]) => block),
    tableRows: [...page.prose.matchAll(/^\|/gm)].length,
    listItems: [...page.prose.matchAll(/^(?:-|\d+\.) /gm)].length,
  }
}

test('every page exists in both languages', () => {
  expect(pages.filter((page) => twinOf(page) === undefined).map((page) => page.file)).toEqual([])
})

describe.each(englishPages.map((page) => [page.file, page] as const))('%s', (_, page) => {
  test('has the same headings, blocks, tables and lists in Chinese', () => {
    const twin = twinOf(page)
    expect(twin && shapeOf(twin)).toEqual(shapeOf(page))
  })

  test('uses every source as often in Chinese', () => {
    const count = (of: Page | undefined) =>
      [...(of?.body ?? '').matchAll(/<Source id="([^"]+)"/g)].map(([, id]) => id).sort()
    expect(count(twinOf(page))).toEqual(count(page))
  })
})
