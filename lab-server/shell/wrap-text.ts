import { displayWidth } from './display-width.ts'

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
/** A line must not begin with these. */
const closing = /^[\s,.;:!?)\]}%，。；：！？、）】》”’…]/u
/** A line must not end with these. */
const opening = /[([{（【《“‘]$/u

/**
 * Breaks each line of a text that is wider than `columns` cells: between words, and between Chinese
 * characters, but never before a closing or after an opening mark. What follows is indented as its
 * line was. A word that is wider than the terminal stays whole; the terminal breaks it.
 */
export function wrapText(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, columns))
    .join('\n')
}

function wrapLine(line: string, columns: number): readonly string[] {
  if (displayWidth(line) <= columns) return [line]
  const indent = /^ */.exec(line)?.[0] ?? ''
  const lines: string[] = []
  let current = indent
  for (const piece of pieces(line.slice(indent.length))) {
    const fits = displayWidth(current) + displayWidth(piece.trimEnd()) <= columns
    if (fits || current.trim() === '') {
      current += piece
      continue
    }
    lines.push(current.trimEnd())
    current = indent + piece
  }
  return [...lines, current.trimEnd()]
}

/** The parts between which a line may be broken; blanks stay at the end of theirs. */
function pieces(text: string): readonly string[] {
  const found: string[] = []
  let current = ''
  for (const { segment } of segmenter.segment(text)) {
    if (current !== '' && mayBreak(current, segment)) {
      found.push(current)
      current = ''
    }
    current += segment
  }
  return current === '' ? found : [...found, current]
}

function mayBreak(before: string, next: string): boolean {
  if (closing.test(next) || opening.test(before)) return false
  if (before.endsWith(' ')) return true
  return isWide(next) || isWide(before)
}

function isWide(text: string): boolean {
  return displayWidth(text.slice(-1)) === 2
}
