import type { WriteStream } from 'node:tty'
import type { Locale } from '../../protocol/index.ts'
import type { ShellIo } from '../shell/shell.ts'
import type { Stop } from './stop.ts'

interface Wishes {
  readonly locale: Locale
  readonly format: 'text' | 'json'
  readonly mayColour: boolean
}

/** Without a terminal nothing is wrapped. */
const unlimited = Number.MAX_SAFE_INTEGER

/** Standard output and standard error as a command sees them. */
export function openOutput(stop: Stop, { locale, format, mayColour }: Wishes): ShellIo {
  const { stdout, stderr } = process
  for (const stream of [stdout, stderr]) {
    // EPIPE and the like: whoever read the output has gone, and wants no more of it.
    stream.on('error', () => stop.because('closed-output'))
  }
  return {
    locale,
    format,
    columns: stdout.isTTY ? stdout.columns : unlimited,
    signal: stop.signal,
    out: writerTo(stdout, mayColour),
    err: writerTo(stderr, mayColour),
    clear: () => undefined,
  }
}

/** Resolves when the stream has taken the text, so that a slow reader slows the command down. */
function writerTo(stream: WriteStream, mayColour: boolean): (text: string) => Promise<void> {
  const coloured = stream.isTTY && mayColour
  return (text) =>
    new Promise((resolve) => stream.write(coloured ? text : withoutColours(text), () => resolve()))
}

/** Everything else that a terminal could act upon has been made visible before. */
function withoutColours(text: string): string {
  return text.replace(/\p{Cc}\[\d*m/gu, '')
}
