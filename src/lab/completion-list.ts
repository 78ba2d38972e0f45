import type { Completion } from '../../protocol/index.ts'
import { graphemes, graphemeWidth, textWidth } from './cell-width.ts'
import { plainText } from './terminal-text.ts'

/** Candidates shown at most; more say only how many there are. */
const shown = 40

/** The candidates of a completion as lines above the prompt: value and what it means. */
export function completionLines(candidates: readonly Completion[], columns: number): string {
  const visible = candidates.slice(0, shown).map(({ value, description }) => ({
    value: oneLine(value),
    description: oneLine(description),
  }))
  const width = Math.max(...visible.map(({ value }) => textWidth(value)))
  const lines = visible.map(({ value, description }) => {
    const padding = ' '.repeat(width - textWidth(value))
    const room = columns - width - 5
    const text = room > 8 ? cut(description, room) : ''
    return text === '' ? `  ${value}` : `  ${value}${padding}  \x1b[90m${text}\x1b[0m`
  })
  if (candidates.length > shown) lines.push(`  … +${candidates.length - shown}`)
  return lines.map((line) => `${line}\n`).join('')
}

function oneLine(text: string): string {
  return plainText(text).replace(/[\n\t]/g, ' ')
}

function cut(text: string, cells: number): string {
  if (textWidth(text) <= cells) return text
  let kept = ''
  let width = 1
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme)
    if (width > cells) break
    kept += grapheme
  }
  return `${kept}…`
}
