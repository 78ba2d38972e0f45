import { describe, expect, test, vi } from 'vitest'
import { LabError, limits } from '../../protocol/index.ts'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { createLogger } from '../logger.ts'
import type { Shell, ShellIo } from '../shell/shell.ts'
import { Terminal, terminalLimits } from './terminal.ts'

const view = { locale: 'en', columns: 80 } as const
const everything = 100 * 1024 * 1024

type Run = Shell['run']

function setUp(run: Run) {
  const clock = createManualClock()
  const log: string[] = []
  const logger = createLogger({ level: 'info', format: 'json', write: (line) => log.push(line) })
  const terminal = new Terminal({ shell: { run }, clock, logger })
  return { clock, log, terminal, entries: () => terminal.entriesAfter(0, everything) }
}

const ok = { code: 0, error: null }

/** A command that ends when the test says so. */
function heldCommand() {
  const io = Promise.withResolvers<ShellIo>()
  const end = Promise.withResolvers<typeof ok>()
  const run: Run = (_line, given) => {
    io.resolve(given)
    return end.promise
  }
  return { run, io: io.promise, end: () => end.resolve(ok) }
}

async function untilFree(terminal: Terminal): Promise<void> {
  await vi.waitFor(() => expect(terminal.state().running).toBeNull(), {
    timeout: 2000,
    interval: 1,
  })
}

describe('a command', () => {
  test('leaves its line, its output and its exit behind', async () => {
    const { terminal, entries } = setUp((_line, io) => {
      void io.out('hello\n')
      void io.err('oh\n')
      return Promise.resolve({ code: 3, error: new LabError('USAGE', 'not like this') })
    })
    terminal.run('greet', view)
    expect(terminal.state().running).toBe('greet')
    await untilFree(terminal)
    expect(entries()).toEqual([
      { seq: 1, kind: 'input', line: 'greet' },
      { seq: 2, kind: 'output', stream: 'stdout', text: 'hello\n' },
      { seq: 3, kind: 'output', stream: 'stderr', text: 'oh\n' },
      {
        seq: 4,
        kind: 'exit',
        code: 3,
        ms: 0,
        error: { code: 'USAGE', message: 'not like this', details: {} },
      },
    ])
  })

  test('is told the language and the width of its reader', async () => {
    const { run, io, end } = heldCommand()
    const { terminal } = setUp(run)
    terminal.run('x', { locale: 'zh-CN', columns: 132 })
    expect(await io).toMatchObject({ locale: 'zh-CN', columns: 132 })
    end()
    await untilFree(terminal)
  })

  test('refuses a second one meanwhile', async () => {
    const { run, end } = heldCommand()
    const { terminal } = setUp(run)
    terminal.run('first', view)
    expect(() => terminal.run('second', view)).toThrow(
      expect.objectContaining({ code: 'TERMINAL_BUSY' }),
    )
    end()
    await untilFree(terminal)
    terminal.run('third', view)
    await untilFree(terminal)
    expect(terminal.state().history).toEqual(['first', 'third'])
  })

  test('that is too long is refused and not remembered', () => {
    const { terminal, entries } = setUp(() => Promise.resolve(ok))
    expect(() => terminal.run('x'.repeat(limits.lineLength + 1), view)).toThrow(
      expect.objectContaining({ code: 'LINE_TOO_LONG' }),
    )
    expect(entries()).toEqual([])
  })

  test('that throws something unexpected ends with INTERNAL, and the log has the stack', async () => {
    const { terminal, entries, log } = setUp(() => Promise.reject(new TypeError('secret path')))
    terminal.run('x', view)
    await untilFree(terminal)
    expect(entries().at(-1)).toMatchObject({ kind: 'exit', code: 1, error: { code: 'INTERNAL' } })
    expect(JSON.stringify(entries())).not.toContain('secret path')
    expect(log.join('')).toContain('TypeError: secret path')
  })

  test('measures its duration', async () => {
    const { run, end } = heldCommand()
    const { terminal, clock, entries } = setUp(run)
    terminal.run('x', view)
    clock.advance(1234)
    end()
    await untilFree(terminal)
    expect(entries().at(-1)).toMatchObject({ kind: 'exit', ms: 1234 })
  })
})

describe('Ctrl-C', () => {
  test('aborts the running command', async () => {
    const { terminal, entries } = setUp((_line, { signal }) => {
      const aborted = Promise.withResolvers<{ code: number; error: LabError }>()
      signal.addEventListener('abort', () =>
        aborted.resolve({ code: 130, error: new LabError('INTERRUPTED', 'Interrupted') }),
      )
      return aborted.promise
    })
    terminal.run('watch', view)
    terminal.interrupt()
    await untilFree(terminal)
    expect(entries().at(-1)).toMatchObject({ code: 130, error: { code: 'INTERRUPTED' } })
  })

  test('does nothing when nothing runs', () => {
    const { terminal, entries } = setUp(() => Promise.resolve(ok))
    terminal.interrupt()
    expect(entries()).toEqual([])
  })

  test('gives up a command that ignores it, and takes nothing from it any more', async () => {
    const { run, io, end } = heldCommand()
    const { terminal, clock, entries, log } = setUp(run)
    terminal.run('stuck', view)
    const { out } = await io
    terminal.interrupt()
    clock.advance(terminalLimits.interruptMs)
    await untilFree(terminal)
    expect(entries().at(-1)).toMatchObject({ kind: 'exit', code: 130 })
    expect(log.join('')).toContain('command ignores its interruption')
    const before = entries().length
    await out('too late')
    clock.advance(1000)
    expect(entries()).toHaveLength(before)
    end()
  })
})

describe('output', () => {
  test('that comes within one batch becomes one entry', async () => {
    const { run, io, end } = heldCommand()
    const { terminal, clock, entries } = setUp(run)
    terminal.run('x', view)
    const { out } = await io
    for (const text of ['a', 'b', 'c']) void out(text)
    expect(entries()).toHaveLength(1)
    clock.advance(terminalLimits.batchMs)
    expect(entries().at(-1)).toMatchObject({ kind: 'output', text: 'abc' })
    end()
    await untilFree(terminal)
  })

  test('tells its listeners once per batch, until they stop listening', async () => {
    const { run, io, end } = heldCommand()
    const { terminal, clock } = setUp(run)
    terminal.run('x', view)
    const { out } = await io
    const listener = vi.fn()
    const stop = terminal.onEntries(listener)
    void out('a')
    void out('b')
    clock.advance(terminalLimits.batchMs)
    expect(listener).toHaveBeenCalledOnce()
    stop()
    end()
    await untilFree(terminal)
    expect(listener).toHaveBeenCalledOnce()
  })

  test('in a hurry is slowed down to the rate of the terminal', async () => {
    const { run, io, end } = heldCommand()
    const { terminal, clock } = setUp(run)
    terminal.run('x', view)
    const { out } = await io
    await out('x'.repeat(terminalLimits.outputBurst))
    const welcome = vi.fn()
    const waiting = out('x'.repeat(terminalLimits.outputPerSecond)).then(welcome)
    clock.advance(999)
    await Promise.resolve()
    expect(welcome).not.toHaveBeenCalled()
    clock.advance(1)
    await waiting
    end()
    await untilFree(terminal)
  })

  test('of a writer that never waits stays within the bounds of the ring', async () => {
    const { terminal, entries } = setUp((_line, { out }) => {
      for (let index = 0; index < 20_000; index += 1)
        void out(`${String(index)} ${'x'.repeat(100)}\n`)
      return Promise.resolve(ok)
    })
    terminal.run('flood', view)
    await untilFree(terminal)
    const kept = entries()
    expect(JSON.stringify(kept).length).toBeLessThan(terminalLimits.bytes * 1.2)
    expect(kept.at(-1)).toMatchObject({ kind: 'exit', code: 0 })
    const seqs = kept.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index))
    expect(terminal.state().firstSeq).toBe(seqs[0])
  })

  test('waiting to be written is let go by Ctrl-C', async () => {
    const { terminal } = setUp(async (_line, { out, signal }) => {
      await out('x'.repeat(terminalLimits.outputBurst + 1000))
      return { code: signal.aborted ? 130 : 0, error: null }
    })
    terminal.run('x', view)
    terminal.interrupt()
    await untilFree(terminal)
  })

  test('cannot control the terminal', async () => {
    const { terminal, entries } = setUp(async (_line, { out }) => {
      await out('\u001b[2J\u001b[31mred\u001b[0m\u0007')
      return ok
    })
    terminal.run('evil \u001b[2J', view)
    await untilFree(terminal)
    expect(entries()).toMatchObject([
      { kind: 'input', line: 'evil \ufffd[2J' },
      { kind: 'output', text: '[2J\u001b[31mred\u001b[0m' },
      { kind: 'exit' },
    ])
  })

  test('before a clear is gone, and numbers go on', async () => {
    const { terminal, entries } = setUp(async (_line, io) => {
      await io.out('before')
      io.clear()
      await io.out('after')
      return ok
    })
    terminal.run('x', view)
    await untilFree(terminal)
    expect(entries()).toMatchObject([
      { seq: 3, kind: 'clear' },
      { seq: 4, kind: 'output', text: 'after' },
      { seq: 5, kind: 'exit' },
    ])
  })
})

describe('history', () => {
  test('leaves out repeats and empty lines, and is bounded', async () => {
    const { terminal } = setUp(() => Promise.resolve(ok))
    const lines = ['a', 'a', ' ', ...Array.from({ length: 300 }, (_, index) => `l${String(index)}`)]
    for (const line of lines) {
      terminal.run(line, view)
      await untilFree(terminal)
    }
    const { history } = terminal.state()
    expect(history).toHaveLength(terminalLimits.history)
    expect(history.at(-1)).toBe('l299')
    expect(history).not.toContain('a')
  })

  test('of long lines stays small enough to be sent at every attach', async () => {
    const { terminal } = setUp(() => Promise.resolve(ok))
    const long = (count: number) => `${count} ${'x'.repeat(limits.lineLength - 10)}`
    for (let count = 0; count < 40; count += 1) {
      terminal.run(long(count), view)
      await untilFree(terminal)
    }
    const { history } = terminal.state()
    expect(history.join('').length).toBeLessThanOrEqual(terminalLimits.historyLength)
    expect(history.join('').length).toBeGreaterThan(terminalLimits.historyLength / 2)
    expect(history.at(-1)).toBe(long(39))
  })
})

describe('close', () => {
  test('aborts the command with LAB_ENDED and takes no other', async () => {
    const reason = vi.fn()
    const { terminal } = setUp((_line, { signal }) => {
      const ended = Promise.withResolvers<typeof ok>()
      signal.addEventListener('abort', () => {
        reason(signal.reason)
        ended.resolve(ok)
      })
      return ended.promise
    })
    terminal.run('watch', view)
    await terminal.close()
    expect(reason).toHaveBeenCalledWith(expect.objectContaining({ code: 'LAB_ENDED' }))
    expect(() => terminal.run('x', view)).toThrow(expect.objectContaining({ code: 'LAB_ENDED' }))
  })
})
