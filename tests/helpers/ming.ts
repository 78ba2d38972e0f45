import { spawn } from 'node:child_process'
import path from 'node:path'
import { onTestFinished } from 'vitest'

const cli = path.resolve(import.meta.dirname, '../../lab-server/cli.ts')
const killAfterMs = 40_000

export interface MingEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** `ming` as a process of its own. */
export interface Ming {
  readonly pid: number
  stdout(): string
  stderr(): string
  signal(signal: NodeJS.Signals): void
  /** As whoever read it goes away. */
  closeStdout(): void
  readonly ended: Promise<MingEnd>
}

export interface MingOptions {
  /** On top of PATH; the language is English unless it is set here. */
  readonly env?: Readonly<Record<string, string>>
  /** Another program than the sources, with its first arguments. */
  readonly program?: readonly [string, ...string[]]
}

/** Starts it; it is killed when the running test has ended. */
export function startMing(args: readonly string[], options: MingOptions = {}): Ming {
  const [program, ...first] = options.program ?? [process.execPath, cli]
  const child = spawn(program, [...first, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (text.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (text.stderr += data.toString()))
  const limit = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const ended = new Promise<MingEnd>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ code, signal, ...text })
    })
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    signal: (signal) => child.kill(signal),
    closeStdout: () => child.stdout.destroy(),
    ended,
  }
}

/** Runs it to its end. */
export function runMing(args: readonly string[], options: MingOptions = {}): Promise<MingEnd> {
  return startMing(args, options).ended
}
