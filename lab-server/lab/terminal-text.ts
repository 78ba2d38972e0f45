/** A colour or style (SGR), or one character that a terminal would act upon. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /\u001b\[[\d;]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
// eslint-disable-next-line no-control-regex -- SGR begins with ESC
const colour = /^\u001b\[[\d;]*m$/

/**
 * The last gate before a page: of all control sequences only colours, tab and newline pass. The
 * shell already makes foreign text visible; what is dropped here is a mistake of ours.
 */
export function keepColoursOnly(text: string): string {
  return text.replace(controls, (found) => (colour.test(found) ? found : ''))
}

/** A typed line as it is shown again: one line, without anything a terminal would act upon. */
export function showLine(line: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
}

/** Cuts text into pieces of at most `length` UTF-16 units, never inside a character. */
export function cutText(text: string, length: number): readonly string[] {
  const pieces: string[] = []
  let from = 0
  while (from < text.length) {
    let to = Math.min(text.length, from + length)
    if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1
    pieces.push(text.slice(from, to))
    from = to
  }
  return pieces
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
