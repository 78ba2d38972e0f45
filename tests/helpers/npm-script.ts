import { spawn } from 'node:child_process'
import path from 'node:path'
import { onTestFinished } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const killAfterMs = 55_000

export interface Script {
  /** Of npm itself, or of the program that was named instead. */
  readonly pid: number
  stdout(): string
  stderr(): string
  signal(signal: NodeJS.Signals): void
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** What a new user's shell would hand on, and nothing of the test runner's. */
function plainEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LAB_ETCD_DIR', 'LAB_CACHE_DIR', 'NODE_EXTRA_CA_CERTS']
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Runs a program in the project's folder; it is killed when the running test has ended. */
export function runScript(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Script {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()))
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve({ code, signal }))
    },
  )
  const limit = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  onTestFinished(() => {
    clearTimeout(limit)
    child.kill('SIGTERM')
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => child.kill(signal),
    exited: () => exited,
  }
}
