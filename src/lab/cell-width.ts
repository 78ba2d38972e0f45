/**
 * Widths in terminal cells. They must agree with what xterm's grapheme addon does with the same
 * text, or the cursor stands beside the character it edits: `cell-width.test.ts` compares the two.
 */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** East Asian Wide and Fullwidth blocks (Unicode EastAsianWidth.txt) that are not emoji. */
const wideBlocks =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u2ff0-\u303e\u3041-\u30ff\u3105-\u312f\u3131-\u318e\u3190-\u31e3\u31f0-\u321e\u3220-\u3247\u3250-\u4dbf\u4e00-\ua48c\ua490-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe52\ufe54-\ufe66\ufe68-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{16fe4}\u{17000}-\u{187f7}\u{18800}-\u{18cd5}\u{1aff0}-\u{1aff3}\u{1b000}-\u{1b122}\u{1b150}-\u{1b152}\u{1b164}-\u{1b167}\u{1b170}-\u{1b2fb}\u{1f200}-\u{1f202}\u{1f210}-\u{1f23b}\u{1f240}-\u{1f248}\u{1f250}\u{1f251}\u{1f260}-\u{1f265}\u{20000}-\u{2fffd}\u{30000}-\u{3fffd}]/u
const emoji = /\p{Emoji_Presentation}|\ufe0f/u
const flagPair = /^\p{Regional_Indicator}{2}/u
const loneRegional = /^\p{Regional_Indicator}$/u

/** The user-perceived characters of `text`, in order. */
export function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), (part) => part.segment)
}

/** Cells one grapheme takes: 2 for CJK, emoji and flags, else 1. */
export function graphemeWidth(grapheme: string): number {
  if (flagPair.test(grapheme)) return 2
  if (loneRegional.test(grapheme)) return 1
  return wideBlocks.test(grapheme) || emoji.test(grapheme) ? 2 : 1
}

/** Cells a whole text takes on an endless row. */
export function textWidth(text: string): number {
  return graphemes(text).reduce((cells, grapheme) => cells + graphemeWidth(grapheme), 0)
}
