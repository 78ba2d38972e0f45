import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Page } from '@playwright/test'
import type { Mermaid, MermaidConfig } from 'mermaid'
import { expandDiagram, parseDiagramWords, svgFileName } from './diagram-source.ts'
import { fontFamily, themeVariables, toTokens } from './palette.ts'

/**
 * `npm run diagrams`: draws every diagram of content/diagrams in every language with Mermaid in a
 * headless Chromium (LAB_CHROMIUM = its path) and stores the SVG under a hash of its source.
 * Diagrams whose SVG is there already are left alone; SVGs without a source are removed.
 */
const root = join(import.meta.dirname, '..', '..')
const sources = join(root, 'content', 'diagrams')
const rendered = join(sources, 'rendered')
const require = createRequire(import.meta.url)

declare global {
  interface Window {
    /** What mermaid.min.js leaves behind. */
    mermaid: Mermaid
  }
}

const config: MermaidConfig = {
  startOnLoad: false,
  securityLevel: 'strict',
  theme: 'base',
  look: 'classic',
  themeVariables,
  fontFamily,
  htmlLabels: true,
  flowchart: { curve: 'linear', padding: 14, nodeSpacing: 36, rankSpacing: 44, useMaxWidth: true },
  sequence: {
    mirrorActors: false,
    height: 42,
    width: 150,
    useMaxWidth: true,
    actorMargin: 90,
    boxMargin: 10,
    messageMargin: 34,
    noteMargin: 10,
    actorFontSize: 16,
    messageFontSize: 15,
    noteFontSize: 15,
    actorFontWeight: 600,
  },
}

interface Drawing {
  readonly file: string
  readonly id: string
  readonly source: string
}

async function collectDrawings(): Promise<Drawing[]> {
  const names = (await readdir(sources)).filter((file) => file.endsWith('.mmd'))
  const drawings = await Promise.all(
    names.map(async (file) => {
      const name = file.replace(/\.mmd$/, '')
      const source = await readFile(join(sources, file), 'utf8')
      const words = parseDiagramWords(await readFile(join(sources, `${name}.json`), 'utf8'))
      return Object.entries(words).map(([language, said]) => {
        const expanded = expandDiagram(source, said)
        return {
          file: svgFileName(name, language, expanded),
          id: `diagram-${name}`,
          source: expanded,
        }
      })
    }),
  )
  return drawings.flat()
}

async function openDrawingBoard(page: Page): Promise<void> {
  const font = await readFile(
    require.resolve('@fontsource-variable/source-sans-3/files/source-sans-3-latin-wght-normal.woff2'),
    'base64',
  )
  await page.setContent(`<!doctype html><meta charset="utf-8"><style>
    @font-face { font-family: 'Source Sans 3 Variable'; font-weight: 200 900;
      src: url(data:font/woff2;base64,${font}) format('woff2') }
    body { font-family: ${fontFamily}; line-height: 1.4 }</style><p>A</p>`)
  await page.addScriptTag({ path: join(root, 'node_modules/mermaid/dist/mermaid.min.js') })
  await page.evaluate(async (settings) => {
    await document.fonts.load('16px "Source Sans 3 Variable"')
    window.mermaid.initialize(settings)
  }, config)
}

async function draw(page: Page, drawing: Drawing): Promise<string> {
  const svg = await page.evaluate(async ({ id, source }) => {
    const result = await window.mermaid.render(id, source)
    const board = document.createElement('div')
    board.innerHTML = result.svg
    document.body.append(board)

    // Mermaid ships the styles and symbols of every kind of diagram: keep those this one uses.
    const style = board.querySelector('style')
    const matches = (selector: string) => {
      const plain = selector.replaceAll(/::?(?:hover|before|after)/g, '')
      return board.querySelector(plain) !== null
    }
    const kept = [...(style?.sheet?.cssRules ?? [])].filter(
      (rule) => rule instanceof CSSStyleRule && matches(rule.selectorText),
    )
    if (style) style.textContent = kept.map((rule) => rule.cssText).join('')
    // Titles of groups stand left, where no arrow comes in.
    for (const group of board.querySelectorAll('.cluster')) {
      const label = group.querySelector<SVGGElement>('.cluster-label')
      const left = Number(group.querySelector('rect')?.getAttribute('x'))
      const at = label?.transform.baseVal.consolidate()?.matrix
      if (label && at) label.setAttribute('transform', `translate(${left + 12}, ${at.f})`)
    }
    const uses = (name: string) => board.innerHTML.includes(`#${name}`)
    for (const part of board.querySelectorAll('marker, symbol, filter, linearGradient')) {
      if (part.tagName === 'filter' || !uses(part.id)) part.remove()
    }
    for (const part of board.querySelectorAll('defs, g')) {
      if (part.childElementCount === 0) part.remove()
    }
    const pruned = board.innerHTML
    board.remove()
    return pruned
  }, drawing)
  return toTokens(svg) + '\n'
}

async function removeLeftovers(drawings: readonly Drawing[]): Promise<void> {
  const wanted = new Set(drawings.map((drawing) => drawing.file))
  for (const file of await readdir(rendered)) {
    if (!wanted.has(file)) await rm(join(rendered, file))
  }
}

async function main(): Promise<void> {
  const drawings = await collectDrawings()
  const force = process.argv.includes('--force')
  const present = new Set(await readdir(rendered))
  const missing = drawings.filter((drawing) => force || !present.has(drawing.file))
  if (missing.length > 0) {
    const executablePath = process.env['LAB_CHROMIUM']
    const browser = await chromium.launch(executablePath ? { executablePath } : {})
    try {
      const page = await browser.newPage()
      await openDrawingBoard(page)
      for (const drawing of missing) {
        await writeFile(join(rendered, drawing.file), await draw(page, drawing))
        console.log(`drew ${drawing.file}`)
      }
    } finally {
      await browser.close()
    }
  }
  await removeLeftovers(drawings)
  console.log(`${drawings.length} diagrams, ${missing.length} drawn`)
}

await main()
