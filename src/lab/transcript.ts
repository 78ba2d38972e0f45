import type { TerminalEntry, WireError } from '../../protocol/index.ts'
import { plainText, safeText } from './terminal-text.ts'

/**
 * Turns the numbered entries of a terminal into what is written on the screen. Pure: the same
 * entries always give the same text, so a reload looks like what stood there before.
 */
export interface Transcript {
  /** The newest entry that was drawn; 0 = none. */
  readonly lastSeq: number
  /** The line that runs now. */
  readonly running: string | null
  /** Exit status of the last command. */
  readonly exitCode: number
  /** Why the last command failed, when the cause is known. */
  readonly error: WireError | null
  /** False while the cursor stands behind output that did not end with a newline. */
  readonly atLineStart: boolean
}

export const emptyTranscript: Transcript = {
  lastSeq: 0,
  running: null,
  exitCode: 0,
  error: null,
  atLineStart: true,
}

const red = '\x1b[31m'
/** xterm draws "faint" at half the contrast; grey is the page's own soft ink. */
const faint = '\x1b[2m'
const grey = '\x1b[90m'
const bold = '\x1b[1m'
const reset = '\x1b[0m'

/** The prompt shows the exit status when it is not 0. */
export function promptOf(exitCode: number): { prompt: string; promptStyle: string } {
  return exitCode === 0
    ? { prompt: 'lab$ ', promptStyle: bold }
    : { prompt: `[${String(exitCode)}] lab$ `, promptStyle: bold + red }
}

export interface Drawing {
  readonly transcript: Transcript
  /** To be written to the terminal. */
  readonly output: string
  /** True when the screen has to be emptied before `output`. */
  readonly clear: boolean
}

/**
 * Draws entries that are newer than the last one drawn; older ones are passed over. Where the
 * server no longer keeps some in between, `gapNotice` stands for them.
 */
export function drawEntries(
  transcript: Transcript,
  entries: readonly TerminalEntry[],
  gapNotice: string,
): Drawing {
  let next = transcript
  let output = ''
  let clear = false
  for (const entry of entries) {
    if (entry.seq <= next.lastSeq) continue
    if (entry.kind === 'clear') {
      output = ''
      clear = true
    } else {
      if (entry.seq > next.lastSeq + 1) output += `${newline(next)}${grey}${gapNotice}${reset}\n`
      output += entryText(next, entry)
    }
    next = advance(next, entry)
  }
  return { transcript: next, output, clear }
}

function entryText(transcript: Transcript, entry: TerminalEntry): string {
  switch (entry.kind) {
    case 'input': {
      const { prompt, promptStyle } = promptOf(transcript.exitCode)
      return `${newline(transcript)}${promptStyle}${prompt}${reset}${safeText(entry.line)}\n`
    }
    case 'output':
      return safeText(entry.text).replaceAll(faint, grey)
    case 'exit':
      return reset + newline(transcript)
    case 'clear':
      return ''
  }
}

function newline(transcript: Transcript): string {
  return transcript.atLineStart ? '' : '\n'
}

function advance(transcript: Transcript, entry: TerminalEntry): Transcript {
  const { seq } = entry
  switch (entry.kind) {
    case 'input':
      return { ...transcript, lastSeq: seq, running: entry.line, error: null, atLineStart: true }
    case 'output':
      return { ...transcript, lastSeq: seq, atLineStart: endsLine(transcript, entry.text) }
    case 'exit':
      return {
        lastSeq: seq,
        running: null,
        exitCode: entry.code,
        error: entry.error,
        atLineStart: true,
      }
    case 'clear':
      return { ...transcript, lastSeq: seq, atLineStart: true }
  }
}

function endsLine(transcript: Transcript, text: string): boolean {
  const visible = plainText(text)
  return visible === '' ? transcript.atLineStart : visible.endsWith('\n')
}
