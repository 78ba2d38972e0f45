import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import mermaid from 'mermaid'
import { beforeAll, describe, expect, test } from 'vitest'
import { expandDiagram, parseDiagramWords, svgFileName } from '../../src/diagrams/diagram-source.ts'
import { pages } from './pages.ts'

/**
 * Mermaid cleans labels with DOMPurify even where it only parses, and without a DOM DOMPurify has no
 * methods at all. Parsing needs none of the cleaning: the page never sees these labels.
 */
async function standInForDomPurify(): Promise<void> {
  const mermaidFile = createRequire(import.meta.url).resolve('mermaid')
  const folderOfPurify = dirname(createRequire(mermaidFile).resolve('dompurify'))
  const module: unknown = await import(pathToFileURL(join(folderOfPurify, 'purify.es.mjs')).href)
  Object.assign(Object(Reflect.get(Object(module), 'default')), {
    addHook: () => {},
    sanitize: (text: string) => text,
  })
}

beforeAll(standInForDomPurify)

const folder = join(import.meta.dirname, '../../content/diagrams')
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.mmd'))
  .map((file) => file.replace(/\.mmd$/, ''))

interface Variant {
  readonly label: string
  readonly source: string
  readonly file: string
  readonly title: string
}

const variants: readonly Variant[] = names.flatMap((name) => {
  const words = parseDiagramWords(read(`${name}.json`))
  return Object.entries(words).map(([language, said]) => {
    const source = expandDiagram(read(`${name}.mmd`), said)
    const file = svgFileName(name, language, source)
    return { label: `${name} (${language})`, source, file, title: said.title }
  })
})

describe.each(variants)('the diagram $label', ({ source, file, title }) => {
  test('is valid Mermaid', async () => {
    await expect(mermaid.parse(source)).resolves.toBeTruthy()
  })

  test('has been drawn since its source changed (npm run diagrams)', () => {
    expect(readdirSync(join(folder, 'rendered'))).toContain(file)
  })

  test('carries its title, follows the theme and loads nothing', () => {
    const svg = read(join('rendered', file))
    expect(svg).toContain(`>${title}</title>`)
    expect(svg).toContain('var(--ming-ink)')
    expect(svg).not.toMatch(/(?:fill|stroke):\s*#[\da-f]{3,8}\b|@import|href="http/i)
  })
})

test('no drawing is left over from an older source', () => {
  expect(readdirSync(join(folder, 'rendered')).sort()).toEqual(
    variants.map((variant) => variant.file).sort(),
  )
})

test('every diagram stands on a page', () => {
  const used = pages.flatMap((page) =>
    [...page.body.matchAll(/<Diagram name="([^"]+)"/g)].map(([, name]) => name),
  )
  expect([...new Set(used)].sort()).toEqual([...names].sort())
})
