/**
 * What the server sends is already free of control sequences; the browser does not rely on it.
 * Only SGR (colour and weight), newline and tab may reach the screen: no title, no link, no
 * clipboard, no cursor movement, no query that the terminal would answer by typing.
 */

const controls =
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  /(\x1b\[[0-9;:]*m)|\x1b(?:[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** `text` with everything removed that a terminal would obey, except SGR, newline and tab. */
export function safeText(text: string): string {
  return text.toWellFormed().replace(controls, (_match, sgr: string | undefined) => sgr ?? '')
}

/** `text` without any escape sequence: for labels, announcements and the clipboard. */
export function plainText(text: string): string {
  // eslint-disable-next-line no-control-regex -- SGR begins with ESC
  return safeText(text).replace(/\x1b\[[0-9;:]*m/g, '')
}
