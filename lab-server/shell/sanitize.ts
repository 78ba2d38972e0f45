/** Everything a terminal could act upon, and the direction overrides that make text lie. */
const unsafe = /[^\P{Cc}\t\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu
const unsafeOrBreak = /\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu

/** A sign for a character that must not reach the terminal: ␛, ␇, `\x9b`, `\u202e`. */
function showCharacter(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  if (code < 0xa0) return `\\x${code.toString(16)}`
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  return `\\u${code.toString(16)}`
}

/** Text that may be shown: newline and tab stay, every other control becomes visible. */
export function makeVisible(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(unsafe, showCharacter)
}

/** The same for a table cell or a name inside a sentence: it stays on one line. */
export function makeVisibleInline(text: string): string {
  return text.replace(unsafeOrBreak, showCharacter)
}

/** Bytes as text; what is not UTF-8 becomes U+FFFD. */
export function bytesToVisibleInline(bytes: Uint8Array): string {
  return makeVisibleInline(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
}

/**
 * Makes a stream of bytes visible, and leaves every `hidden` out of it. Sound over chunk borders: a
 * split UTF-8 sequence, a `\r` whose `\n` comes with the next chunk and the beginning of what is
 * hidden are held back until they are whole.
 */
export class StreamSanitizer {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #hidden: string
  #held = ''

  constructor({ hidden }: { hidden: string } = { hidden: '' }) {
    this.#hidden = hidden
  }

  push(chunk: Uint8Array): string {
    return this.#take(this.#decoder.decode(chunk, { stream: true }), false)
  }

  end(): string {
    return this.#take(this.#decoder.decode(), true)
  }

  #take(text: string, last: boolean): string {
    const arrived = this.#held + text
    const whole = this.#hidden === '' ? arrived : arrived.replaceAll(this.#hidden, '')
    const at = last ? whole.length : whole.length - this.#unfinished(whole)
    this.#held = whole.slice(at)
    return makeVisible(whole.slice(0, at))
  }

  /** Length of an end that means something else once more has come. */
  #unfinished(text: string): number {
    if (text.endsWith('\r')) return 1
    let length = Math.min(this.#hidden.length - 1, text.length)
    while (length > 0 && !text.endsWith(this.#hidden.slice(0, length))) length -= 1
    return Math.max(0, length)
  }
}
