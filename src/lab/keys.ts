/** One key as the line editor understands it. */
export type Key =
  | { readonly type: 'text'; readonly text: string }
  /** Pasted text: line breaks in it never run a command (see `line-editor.ts`). */
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: EditingKey }

export type EditingKey =
  | 'enter'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'wordLeft'
  | 'wordRight'
  | 'up'
  | 'down'
  | 'tab'
  | 'escape'
  | 'killToEnd'
  | 'killToStart'
  | 'killWordLeft'
  | 'killWordRight'
  | 'yank'
  | 'clear'
  | 'interrupt'
  | 'endOfInput'
  | 'search'
  | 'abort'

/** What a terminal sends for the keys we know (xterm's table of control sequences). */
const sequences: Readonly<Record<string, EditingKey>> = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b[C': 'right',
  '\x1bOC': 'right',
  '\x1b[D': 'left',
  '\x1bOD': 'left',
  '\x1b[H': 'home',
  '\x1bOH': 'home',
  '\x1b[1~': 'home',
  '\x1b[F': 'end',
  '\x1bOF': 'end',
  '\x1b[4~': 'end',
  '\x1b[3~': 'delete',
  '\x1b[1;5C': 'wordRight',
  '\x1b[1;3C': 'wordRight',
  '\x1bf': 'wordRight',
  '\x1b[1;5D': 'wordLeft',
  '\x1b[1;3D': 'wordLeft',
  '\x1bb': 'wordLeft',
  '\x1b\x7f': 'killWordLeft',
  '\x1bd': 'killWordRight',
  '\x1b[3;5~': 'killWordRight',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\t': 'tab',
  '\x01': 'home',
  '\x02': 'left',
  '\x03': 'interrupt',
  '\x04': 'endOfInput',
  '\x05': 'end',
  '\x06': 'right',
  '\x07': 'abort',
  '\x0b': 'killToEnd',
  '\x0c': 'clear',
  '\x0e': 'down',
  '\x10': 'up',
  '\x12': 'search',
  '\x15': 'killToStart',
  '\x17': 'killWordLeft',
  '\x19': 'yank',
}

// A control sequence, an escaped letter, a lone control character, or a run of text.
// eslint-disable-next-line no-control-regex -- control characters are what a terminal sends
const token = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[^[O]|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+/gsu

/** Splits what xterm reports into keys. Unknown control sequences are dropped, never typed. */
export function parseKeys(data: string): Key[] {
  const keys: Key[] = []
  for (const [part] of data.matchAll(token)) {
    const known = Object.hasOwn(sequences, part) ? sequences[part] : undefined
    if (known) keys.push({ type: known })
    else if (part >= ' ' && part !== '\x7f') keys.push({ type: 'text', text: part })
  }
  return keys
}
