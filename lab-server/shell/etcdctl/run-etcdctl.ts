import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { LabError } from '../../../protocol/index.ts'
import { StreamSanitizer } from '../sanitize.ts'

export interface EtcdctlRun {
  readonly path: string
  /** Working directory, and what the reaper knows the process by (it stands in argv[0]). */
  readonly dir: string
  readonly argv: readonly string[]
  readonly signal: AbortSignal
  /** Bytes of both streams together. */
  readonly outputLimit: number
  /** Receives text that is already visible. */
  readonly write: (name: 'stdout' | 'stderr', visible: string) => void
}

export interface EtcdctlEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly overflowed: boolean
}

/** From SIGTERM to SIGKILL: time for `lock` to give its key back. */
const graceMs = 1000

/** SIGTERM, then SIGKILL after the grace. The timer ends with the process. */
function endProcess(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  child.once('close', () => clearTimeout(timer))
}

function pipeOutput(child: ChildProcess, run: EtcdctlRun): { readonly overflowed: boolean } {
  const state = { overflowed: false }
  let bytes = 0
  for (const name of ['stdout', 'stderr'] as const) {
    const sanitizer = new StreamSanitizer()
    const write = (text: string) => {
      if (text !== '') run.write(name, text)
    }
    child[name]?.on('data', (chunk: Buffer) => {
      if (state.overflowed || run.signal.aborted) return
      const room = run.outputLimit - bytes
      bytes += chunk.length
      write(sanitizer.push(chunk.subarray(0, room)))
      if (bytes <= run.outputLimit) return
      state.overflowed = true
      endProcess(child)
    })
    child[name]?.on('end', () => write(sanitizer.end()))
  }
  return state
}

/**
 * Runs the real etcdctl: no shell, no inherited environment, no standard input. Resolves when the
 * process is gone and its output delivered, also after an abort. Rejects `INTERNAL` when it cannot
 * be started.
 */
export async function runEtcdctl(run: EtcdctlRun): Promise<EtcdctlEnd> {
  run.signal.throwIfAborted()
  const child = spawn(run.path, [...run.argv], {
    argv0: join(run.dir, 'etcdctl'),
    cwd: run.dir,
    env: { ETCDCTL_API: '3' },
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  })
  const output = pipeOutput(child, run)
  const abort = () => endProcess(child)
  run.signal.addEventListener('abort', abort, { once: true })
  try {
    return await new Promise<EtcdctlEnd>((resolve, reject) => {
      child.once('error', (cause) => {
        reject(new LabError('INTERNAL', `Cannot start ${run.path}: ${cause.message}`, { cause }))
      })
      child.once('close', (code, signal) => {
        resolve({ code, signal, overflowed: output.overflowed })
      })
    })
  } finally {
    run.signal.removeEventListener('abort', abort)
  }
}
