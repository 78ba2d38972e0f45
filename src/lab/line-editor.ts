import type { Completion } from '../../protocol/index.ts'
import { graphemes } from './cell-width.ts'
import type { Key } from './keys.ts'

/**
 * The line editor: state and key in, state and action out. It knows neither a screen nor a server.
 *
 * Pasted line breaks never run anything: the first pasted line goes into the line being edited, the
 * others wait in `pasted` and come up one by one, each after the reader has pressed Enter on the
 * one before it. What a web page put on the clipboard is therefore always seen before it runs.
 */
export interface LineState {
  readonly text: string
  /** UTF-16 offset in `text`, always between two graphemes. */
  readonly cursor: number
  /** Oldest first. */
  readonly history: readonly string[]
  /** Index in `history` of the line shown; null while the reader's own line is shown. */
  readonly historyAt: number | null
  /** The reader's own line while one of the history is shown. */
  readonly draft: string
  /** What the last kill took away, for yank. */
  readonly killed: string
  /** Pasted lines that are still to come. */
  readonly pasted: readonly string[]
  readonly search: Search | null
}

/** Ctrl-R: looking backwards through the history. */
export interface Search {
  readonly query: string
  /** Index in `history` of the match; null while nothing matches. */
  readonly at: number | null
  /** The line to go back to when the search is given up. */
  readonly before: string
}

/** What the terminal has to do about a key, beside drawing the new state. */
export type LineAction =
  | { readonly type: 'submit'; readonly line: string }
  | { readonly type: 'interrupt' }
  | { readonly type: 'complete' }
  | { readonly type: 'clear' }

export interface Step {
  readonly state: LineState
  readonly action: LineAction | null
}

/** Lines the history keeps. */
const historyLimit = 500

export function emptyLine(history: readonly string[] = []): LineState {
  return {
    text: '',
    cursor: 0,
    history: history.slice(-historyLimit),
    historyAt: null,
    draft: '',
    killed: '',
    pasted: [],
    search: null,
  }
}

/** One key. */
export function press(state: LineState, key: Key): Step {
  if (state.search) return pressInSearch(state, state.search, key)
  switch (key.type) {
    case 'enter':
      return submit(state)
    case 'interrupt':
      return { state: emptyLine(state.history), action: { type: 'interrupt' } }
    case 'tab':
      return { state, action: { type: 'complete' } }
    case 'clear':
      return { state, action: { type: 'clear' } }
    default:
      return { state: edit(state, key), action: null }
  }
}

function edit(state: LineState, key: Key): LineState {
  switch (key.type) {
    case 'text':
      return insert(state, key.text)
    case 'paste':
      return paste(state, key.text)
    case 'left':
      return moveTo(state, before(state))
    case 'right':
      return moveTo(state, after(state))
    case 'home':
      return moveTo(state, 0)
    case 'end':
      return moveTo(state, state.text.length)
    case 'wordLeft':
      return moveTo(state, wordStart(state))
    case 'wordRight':
      return moveTo(state, wordEnd(state))
    case 'backspace':
      return remove(state, before(state), state.cursor)
    case 'delete':
    case 'endOfInput':
      return remove(state, state.cursor, after(state))
    case 'killToEnd':
      return kill(state, state.cursor, state.text.length)
    case 'killToStart':
      return kill(state, 0, state.cursor)
    case 'killWordLeft':
      return kill(state, wordStart(state), state.cursor)
    case 'killWordRight':
      return kill(state, state.cursor, wordEnd(state))
    case 'yank':
      return insert(state, state.killed)
    case 'up':
      return showHistory(state, (state.historyAt ?? state.history.length) - 1)
    case 'down':
      return showHistory(state, (state.historyAt ?? state.history.length) + 1)
    case 'search':
      return { ...state, search: { query: '', at: null, before: state.text } }
    default:
      return state
  }
}

// eslint-disable-next-line no-control-regex -- removing control characters is the point
const controls = /[\x00-\x1f\x7f-\x9f]/g

/** Text without line breaks and control characters: what may stand in a line. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll('\t', ' ').replace(controls, '')
}

function insert(state: LineState, raw: string): LineState {
  const text = printable(raw)
  return {
    ...state,
    text: state.text.slice(0, state.cursor) + text + state.text.slice(state.cursor),
    cursor: state.cursor + text.length,
  }
}

function paste(state: LineState, raw: string): LineState {
  const lines = raw.split(/\r\n?|\n/).filter((line) => line.trim() !== '')
  if (lines.length < 2)
    return insert(state, state.text === '' ? withoutPrompt(lines[0] ?? raw) : raw)
  const [first = '', ...rest] = lines.map(withoutPrompt)
  return { ...insert(state, first), pasted: [...rest.map(printable), ...state.pasted] }
}

/** Examples are often copied with their prompt. */
function withoutPrompt(line: string): string {
  return line.replace(/^\s*(?:\[\d+\] )?(?:lab)?\$ /, '')
}

function moveTo(state: LineState, cursor: number): LineState {
  return { ...state, cursor }
}

function remove(state: LineState, from: number, to: number): LineState {
  if (from === to) return state
  return { ...state, text: state.text.slice(0, from) + state.text.slice(to), cursor: from }
}

function kill(state: LineState, from: number, to: number): LineState {
  if (from === to) return state
  return { ...remove(state, from, to), killed: state.text.slice(from, to) }
}

function before(state: LineState): number {
  const last = graphemes(state.text.slice(0, state.cursor)).at(-1)
  return state.cursor - (last?.length ?? 0)
}

function after(state: LineState): number {
  const [next] = graphemes(state.text.slice(state.cursor))
  return state.cursor + (next?.length ?? 0)
}

function wordStart(state: LineState): number {
  const found = /\S+\s*$/u.exec(state.text.slice(0, state.cursor))
  return found ? found.index : 0
}

function wordEnd(state: LineState): number {
  const found = /^\s*\S+/u.exec(state.text.slice(state.cursor))
  return found ? state.cursor + found[0].length : state.text.length
}

function showHistory(state: LineState, at: number): LineState {
  if (at < 0 || at > state.history.length) return state
  const draft = state.historyAt === null ? state.text : state.draft
  const text = at === state.history.length ? draft : (state.history[at] ?? '')
  const historyAt = at === state.history.length ? null : at
  return { ...state, draft, text, cursor: text.length, historyAt }
}

function submit(state: LineState): Step {
  const line = state.text
  const [next = '', ...pasted] = state.pasted
  const cleared = emptyLine(remember(state.history, line))
  return {
    state: { ...cleared, text: next, cursor: next.length, pasted, killed: state.killed },
    action: { type: 'submit', line },
  }
}

function remember(history: readonly string[], line: string): readonly string[] {
  return line.trim() === '' || history.at(-1) === line ? history : [...history, line]
}

function pressInSearch(state: LineState, search: Search, key: Key): Step {
  switch (key.type) {
    case 'text':
      return still(
        look(state, search, search.query + printable(key.text), state.history.length - 1),
      )
    case 'backspace':
      return still(
        look(
          state,
          search,
          graphemes(search.query).slice(0, -1).join(''),
          state.history.length - 1,
        ),
      )
    case 'search':
      return still(look(state, search, search.query, (search.at ?? state.history.length) - 1))
    case 'abort':
    case 'escape':
      return still({ ...atEnd(state, search.before), search: null })
    default:
      return press({ ...state, search: null }, key)
  }
}

function still(state: LineState): Step {
  return { state, action: null }
}

function look(state: LineState, search: Search, query: string, from: number): LineState {
  const at =
    query === '' ? -1 : state.history.findLastIndex((line, i) => i <= from && line.includes(query))
  if (at < 0) return { ...state, search: { ...search, query, at: query === '' ? null : search.at } }
  return { ...atEnd(state, state.history[at] ?? ''), search: { ...search, query, at } }
}

function atEnd(state: LineState, text: string): LineState {
  return { ...state, text, cursor: text.length }
}

/**
 * Puts the candidates of a completion into the line: a single one whole and with a space behind
 * it, several up to what they have in common. `list` is set when the reader has to choose.
 */
export function complete(
  state: LineState,
  from: number,
  candidates: readonly Completion[],
): { readonly state: LineState; readonly list: readonly Completion[] } {
  const typed = state.text.slice(from, state.cursor)
  const common = commonPrefix(candidates.map((one) => one.value))
  const rest = state.text.slice(state.cursor)
  const only = candidates.length === 1
  const replacement = only && !rest.startsWith(' ') && !common.endsWith('=') ? `${common} ` : common
  if (candidates.length === 0 || (!only && common.length <= typed.length)) {
    return { state, list: candidates }
  }
  const text = state.text.slice(0, from) + replacement + rest
  return { state: { ...state, text, cursor: from + replacement.length }, list: [] }
}

function commonPrefix(values: readonly string[]): string {
  const [first = '', ...others] = values
  let length = 0
  const parts = graphemes(first)
  for (const part of parts) {
    const prefix = first.slice(0, length + part.length)
    if (!others.every((other) => other.startsWith(prefix))) break
    length += part.length
  }
  return first.slice(0, length)
}
