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
  /** Left out of the output wherever it stands; empty for nothing. */
  readonly hidden: string
  /** Receives text that is already visible; resolves when more is welcome. */
  readonly write: (name: 'stdout' | 'stderr', visible: string) => Promise<void>
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

interface OutputState {
  bytes: number
  overflowed: boolean
}

/** Delivers one stream; etcdctl waits while the reader's terminal is not ready for more. */
async function deliver(
  child: ChildProcess,
  name: 'stdout' | 'stderr',
  run: EtcdctlRun,
  state: OutputState,
) {
  const sanitizer = new StreamSanitizer({ hidden: run.hidden })
  const write = async (text: string) => {
    if (text !== '' && !run.signal.aborted) await run.write(name, text)
  }
  for await (const chunk of child[name] ?? []) {
    if (!Buffer.isBuffer(chunk) || state.overflowed) continue
    const room = run.outputLimit - state.bytes
    state.bytes += chunk.length
    await write(sanitizer.push(chunk.subarray(0, room)))
    if (state.bytes > run.outputLimit) {
      state.overflowed = true
      endProcess(child)
    }
  }
  await write(sanitizer.end())
}

function untilClosed(child: ChildProcess, path: string) {
  return new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new LabError('INTERNAL', `Cannot start ${path}: ${cause.message}`, { cause }))
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
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
  const state: OutputState = { bytes: 0, overflowed: false }
  const abort = () => endProcess(child)
  run.signal.addEventListener('abort', abort, { once: true })
  try {
    const [end] = await Promise.all([
      untilClosed(child, run.path),
      deliver(child, 'stdout', run, state),
      deliver(child, 'stderr', run, state),
    ])
    return { ...end, overflowed: state.overflowed }
  } finally {
    run.signal.removeEventListener('abort', abort)
  }
}
