/** Ranges of East Asian Width W and F (Unicode 16, UAX #11), emoji aside. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2fb],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
]

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' })
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u
const emoji = /^\p{Emoji_Presentation}|^\p{Extended_Pictographic}\ufe0f|^\p{Regional_Indicator}{2}/u

function graphemeWidth(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0
  if (code >= 0x20 && code < 0x7f && grapheme.length === 1) return 1
  if (zeroWidth.test(grapheme)) return 0
  if (emoji.test(grapheme)) return 2
  return wideRanges.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}

/** Cells that a text without control characters takes in a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment)
  return width
}

/** Fills a text with blanks up to `cells`. */
export function padToWidth(text: string, cells: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, cells - displayWidth(text)))
  return align === 'left' ? text + blanks : blanks + text
}
