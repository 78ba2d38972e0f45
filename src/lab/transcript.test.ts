import { describe, expect, it } from 'vitest'
import type { TerminalEntry } from '../../protocol/index.ts'
import { drawEntries as draw, emptyTranscript, type Transcript } from './transcript.ts'

const drawEntries = (transcript: Transcript, entries: readonly TerminalEntry[]) =>
  draw(transcript, entries, '(gap)')

const input = (seq: number, line: string) => ({ seq, kind: 'input', line }) as const
const output = (seq: number, text: string) =>
  ({ seq, kind: 'output', stream: 'stdout', text }) as const
const exit = (seq: number, code: number) =>
  ({ seq, kind: 'exit', code, ms: 1, error: null }) as const

describe('transcript', () => {
  it('draws a command, its output and nothing for a good exit', () => {
    const drawing = drawEntries(emptyTranscript, [
      input(1, 'services'),
      output(2, 'none\n'),
      exit(3, 0),
    ])
    expect(drawing.output).toBe('\x1b[1mlab$ \x1b[0mservices\nnone\n\x1b[0m')
    expect(drawing.transcript).toMatchObject({ lastSeq: 3, running: null, exitCode: 0 })
  })

  it('draws each entry once, however often it is sent', () => {
    const entries = [input(1, 'a'), output(2, 'x\n'), exit(3, 0)]
    const first = drawEntries(emptyTranscript, entries)
    const again = drawEntries(first.transcript, [...entries, input(4, 'b')])
    expect(again.output).toBe('\x1b[1mlab$ \x1b[0mb\n')
  })

  it('shows a bad exit status in the next prompt', () => {
    const { output: text } = drawEntries(emptyTranscript, [
      input(1, 'x'),
      exit(2, 64),
      input(3, 'y'),
    ])
    expect(text).toContain('[64] lab$ ')
  })

  it('ends an unfinished last line before what follows', () => {
    const drawing = drawEntries(emptyTranscript, [
      input(1, 'x'),
      output(2, 'no newline\x1b[0m'),
      exit(3, 0),
    ])
    expect(drawing.output.endsWith('no newline\x1b[0m\x1b[0m\n')).toBe(true)
    expect(drawing.transcript.atLineStart).toBe(true)
  })

  it('says where entries are no longer kept', () => {
    const drawing = drawEntries(emptyTranscript, [output(7, 'late\n'), exit(8, 0)])
    expect(drawing.output).toBe('\x1b[90m(gap)\x1b[0m\nlate\n\x1b[0m')
  })

  it('says nothing of a gap that a clear has made', () => {
    const drawing = drawEntries(emptyTranscript, [{ seq: 9, kind: 'clear' }, exit(10, 0)])
    expect(drawing.output).toBe('\x1b[0m')
  })

  it('forgets everything before a clear', () => {
    const drawing = drawEntries(emptyTranscript, [
      input(1, 'old'),
      exit(2, 0),
      input(3, 'clear'),
      { seq: 4, kind: 'clear' },
      exit(5, 0),
    ])
    expect(drawing.clear).toBe(true)
    expect(drawing.output).toBe('\x1b[0m')
  })

  it('lets no control sequence through', () => {
    const drawing = drawEntries(emptyTranscript, [
      input(1, 'a\x1b]0;t\x07'),
      output(2, '\x1b[2Jb\n'),
    ])
    expect(drawing.output).toBe('\x1b[1mlab$ \x1b[0ma\nb\n')
  })

  it('knows what runs and why the last command failed', () => {
    const error = { code: 'QUORUM_LOST', message: 'no', details: {} } as const
    const { transcript } = drawEntries(emptyTranscript, [
      input(1, 'x'),
      { seq: 2, kind: 'exit', code: 1, ms: 5, error },
    ])
    expect(transcript.error).toBe(error)
    expect(drawEntries(transcript, [input(3, 'watch a')]).transcript).toMatchObject({
      running: 'watch a',
      error: null,
    })
  })
})
