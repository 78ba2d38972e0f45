import type { Messages } from './messages/en.ts'
import { limits } from '../../protocol/index.ts'
import { ShellError } from './shell-error.ts'

/** One word of a line, and where it stood (UTF-16 offsets, quotes included). */
export interface Word {
  readonly value: string
  readonly from: number
  readonly to: number
}

/** What keeps a line from being an argv. `column` counts characters from 1. */
export type LineProblem =
  | { readonly kind: 'syntax'; readonly symbol: string; readonly quoted: boolean; column: number }
  | { readonly kind: 'assignment'; readonly symbol: string; column: number }
  | { readonly kind: 'unterminated'; readonly symbol: string; column: number }
  | { readonly kind: 'invisible'; readonly symbol: string; column: number }
  | {
      readonly kind: 'full-width'
      readonly symbol: string
      readonly expected: string
      column: number
    }

export interface SplitLine {
  /** Everything before the problem, if there is one. */
  readonly words: readonly Word[]
  readonly problem: LineProblem | null
}

/**
 * What a Chinese input method puts in place of the ASCII character that means something here.
 * Inside quotes all of them are ordinary text.
 */
const fullWidth: ReadonlyMap<string, string> = new Map([
  ['：', ':'],
  ['，', ','],
  ['。', '.'],
  ['；', ';'],
  ['“', '"'],
  ['”', '"'],
  ['＂', '"'],
  ['‘', "'"],
  ['’', "'"],
  ['＇', "'"],
  ['／', '/'],
  ['＝', '='],
  ['－', '-'],
  ['—', '-'],
  ['–', '-'],
  ['＿', '_'],
  ['．', '.'],
  ['（', '('],
  ['）', ')'],
  ['【', '['],
  ['】', ']'],
  ['［', '['],
  ['］', ']'],
  ['｜', '|'],
  ['＞', '>'],
  ['＜', '<'],
  ['＆', '&'],
  ['＄', '$'],
  ['｀', '`'],
  ['＃', '#'],
  ['＼', '\\'],
  ['\u3000', ' '],
  ['\u00a0', ' '],
])

/** Controls, direction overrides, line separators, zero-width blanks and broken surrogates. */
const invisible = /[^\P{Cc}\t]|[\u00ad\u200b\u2028-\u202e\u2060-\u2069\ufeff]|\p{Cs}/u

const shellSymbols = new Set(['|', '>', '<', ';', '&', '(', ')', '`'])
const blanks = new Set([' ', '\t'])

function columnAt(line: string, offset: number): number {
  return Array.from(line.slice(0, offset)).length + 1
}

function codePointName(symbol: string): string {
  return `U+${(symbol.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

/** The symbol as a reader knows it: `&&` and `>>` in one piece, `$(`, `$NAME`. */
function symbolAt(line: string, offset: number): string {
  const rest = line.slice(offset)
  const found = /^(?:\|\||&&|>>|<<|\$\(|\$\{|\$\w+|\$[?$!#*@-]|.)/u.exec(rest)
  return found?.[0] ?? ''
}

/** A `$` starts an expansion only before a name, a brace, a parenthesis or a special parameter. */
function startsExpansion(line: string, offset: number): boolean {
  return /^\$[\w({?$!#*@-]/.test(line.slice(offset))
}

/** Where the reading of a line stands. */
interface Splitter {
  readonly line: string
  readonly words: Word[]
  offset: number
  /** Start of the word being read; -1 between words. */
  start: number
  value: string
}

type ProblemFields =
  | { readonly kind: 'syntax'; readonly quoted: boolean }
  | { readonly kind: 'unterminated' | 'assignment' }

function stopAt(s: Splitter, fields: ProblemFields, offset: number, symbol: string): SplitLine {
  const column = columnAt(s.line, offset)
  return { words: s.words, problem: { ...fields, symbol, column } }
}

/** Adds to the word, and goes on by `length` in the line. */
function takeText(s: Splitter, text: string, length: number) {
  if (s.start < 0) s.start = s.offset
  s.value += text
  s.offset += length
}

function endWord(s: Splitter) {
  if (s.start >= 0) s.words.push({ value: s.value, from: s.start, to: s.offset })
  s.start = -1
  s.value = ''
}

function takeSingleQuoted(s: Splitter): SplitLine | null {
  const end = s.line.indexOf("'", s.offset + 1)
  if (end < 0) return endOpen(s, s.line.slice(s.offset + 1), "'")
  takeText(s, s.line.slice(s.offset + 1, end), end + 1 - s.offset)
  return null
}

function takeDoubleQuoted(s: Splitter): SplitLine | null {
  let text = ''
  for (let at = s.offset + 1; at < s.line.length; at += 1) {
    const char = s.line[at] ?? ''
    const next = s.line[at + 1] ?? ''
    if (char === '"') {
      takeText(s, text, at + 1 - s.offset)
      return null
    }
    if (char === '`' || startsExpansion(s.line, at)) {
      return stopAt(s, { kind: 'syntax', quoted: true }, at, symbolAt(s.line, at))
    }
    if (char === '\\' && ['$', '`', '"', '\\'].includes(next)) {
      text += next
      at += 1
    } else {
      text += char
    }
  }
  return endOpen(s, text, '"')
}

/** An open quote: the word so far is kept, because completion works inside quotes. */
function endOpen(s: Splitter, text: string, symbol: string): SplitLine {
  const offset = s.offset
  takeText(s, text, s.line.length - s.offset)
  endWord(s)
  return stopAt(s, { kind: 'unterminated' }, offset, symbol)
}

function takeEscaped(s: Splitter): SplitLine | null {
  const next = Array.from(s.line.slice(s.offset + 1, s.offset + 3))[0]
  if (next === undefined) return endOpen(s, '', '\\')
  takeText(s, next, 1 + next.length)
  return null
}

function takeBare(s: Splitter, char: string): SplitLine | null {
  const expected = fullWidth.get(char)
  const column = columnAt(s.line, s.offset)
  if (expected !== undefined) {
    return { words: s.words, problem: { kind: 'full-width', symbol: char, expected, column } }
  }
  if (shellSymbols.has(char) || startsExpansion(s.line, s.offset)) {
    return stopAt(s, { kind: 'syntax', quoted: false }, s.offset, symbolAt(s.line, s.offset))
  }
  takeText(s, char, char.length)
  return null
}

function takeNext(s: Splitter): SplitLine | null {
  const char = String.fromCodePoint(s.line.codePointAt(s.offset) ?? 0)
  if (blanks.has(char)) {
    endWord(s)
    s.offset += 1
    return null
  }
  if (char === '#' && s.start < 0) {
    s.offset = s.line.length
    return null
  }
  if (char === "'") return takeSingleQuoted(s)
  if (char === '"') return takeDoubleQuoted(s)
  if (char === '\\') return takeEscaped(s)
  return takeBare(s, char)
}

/**
 * Splits a line into words as a POSIX shell would, without anything a shell does besides: no
 * expansion, no pipes, no lists. A `#` at the start of a word begins a comment. Pure; never throws.
 */
export function splitLine(line: string): SplitLine {
  const hidden = invisible.exec(line)
  if (hidden !== null) {
    const column = columnAt(line, hidden.index)
    const symbol = codePointName(hidden[0])
    return { words: [], problem: { kind: 'invisible', symbol, column } }
  }
  const s: Splitter = { line, words: [], offset: 0, start: -1, value: '' }
  while (s.offset < line.length) {
    const problem = takeNext(s)
    if (problem !== null) return problem
  }
  endWord(s)
  const first = s.words[0]
  const assigned = first && /^[A-Za-z_]\w*=/.exec(line.slice(first.from, first.to))
  if (first && assigned) return stopAt(s, { kind: 'assignment' }, first.from, assigned[0])
  return { words: s.words, problem: null }
}

function problemText(problem: LineProblem, m: Messages): string {
  switch (problem.kind) {
    case 'syntax':
      return problem.quoted ? m.line.expansion(problem) : m.line.syntax(problem)
    case 'assignment':
      return m.line.assignment(problem)
    case 'unterminated':
      return problem.symbol === '\\' ? m.line.backslash(problem) : m.line.unterminated(problem)
    case 'invisible':
      return m.line.invisible(problem)
    case 'full-width':
      return problem.expected === ' ' ? m.line.wideSpace(problem) : m.line.fullWidth(problem)
  }
}

/**
 * A line as argv; empty for a blank line or a comment. Throws `LINE_TOO_LONG`,
 * `UNSUPPORTED_SYNTAX` (what only a shell could do) or `USAGE`.
 */
export function parseLine(line: string): string[] {
  if (line.length > limits.lineLength) {
    const details = { length: line.length, limit: limits.lineLength }
    throw new ShellError('LINE_TOO_LONG', (m) => m.line.tooLong(details), { details })
  }
  const { words, problem } = splitLine(line)
  if (problem === null) return words.map((word) => word.value)
  const unsupported = problem.kind === 'syntax' || problem.kind === 'assignment'
  throw new ShellError(
    unsupported ? 'UNSUPPORTED_SYNTAX' : 'USAGE',
    (m) => problemText(problem, m),
    { details: { symbol: problem.symbol, column: problem.column } },
  )
}

/** Quotes a word so that `parseLine` gives it back; a word that needs no quotes stays as it is. */
export function quoteWord(word: string): string {
  const assigns = /^[A-Za-z_]\w*=/.test(word)
  if (!assigns && /^[\w@%+,./:=\u4e00-\u9fff-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}
