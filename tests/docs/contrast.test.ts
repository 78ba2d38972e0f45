import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const css = readFileSync(join(import.meta.dirname, '../../src/styles/tokens.css'), 'utf8')

/** The OKLCH tokens of one theme: name → [lightness, chroma, hue]. */
function tokensOf(selector: string): ReadonlyMap<string, readonly number[]> {
  const start = css.indexOf(selector)
  const block = css.slice(start, css.indexOf('\n}', start))
  const found = block.matchAll(/--ming-([\w-]+): oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)/g)
  return new Map([...found].map(([, name = '', ...values]) => [name, values.map(Number)]))
}

/** Relative luminance (WCAG) of an OKLCH colour: https://www.w3.org/TR/css-color-4/#oklab-to-lms */
function luminance([lightness = 0, chroma = 0, hue = 0]: readonly number[]): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const red = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s
  const green = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s
  const blue = -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s
  const [r, g, bl] = [red, green, blue].map((channel) => Math.min(1, Math.max(0, channel)))
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (bl ?? 0)
}

function contrast(one: readonly number[], other: readonly number[]): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

const words = ['ink', 'ink-soft', 'run', 'leader', 'follower', 'down', 'cut']
const papers = ['paper', 'paper-raised', 'paper-sunk']

describe.each([
  ['light', ":root[data-theme='light'],"],
  ['dark', ":root[data-theme='dark'],"],
])('in the %s theme', (_, selector) => {
  const tokens = tokensOf(selector)
  const colour = (name: string) => {
    const value = tokens.get(name)
    if (!value) throw new Error(`tokens.css has no --ming-${name}`)
    return value
  }
  const pairs = [
    ...words.flatMap((word) => papers.map((paper) => [word, paper] as const)),
    ['on-run', 'run'] as const,
    ['on-leader', 'leader-fill'] as const,
  ]

  test.each(pairs)('%s can be read on %s (4.5:1)', (word, paper) => {
    expect(contrast(colour(word), colour(paper))).toBeGreaterThanOrEqual(4.5)
  })

  test.each(papers)('strong rules can be seen on %s (3:1)', (paper) => {
    expect(contrast(colour('rule-strong'), colour(paper))).toBeGreaterThanOrEqual(3)
  })
})
