import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LabError } from '../../protocol/index.ts'
import { reap } from './reap.ts'
import { claimRunDirectory, findAbandonedRuns } from './run-directory.ts'

export interface Reaper {
  /** Pid of the process that runs now; another one when the last was ended from outside. */
  readonly pid: number | null
  /**
   * Ends every process of the run directory and removes it, as would happen if the server died.
   * Resolves when that is done. Idempotent.
   */
  close(): Promise<void>
}

const program = fileURLToPath(new URL('reaper-process.ts', import.meta.url))
const startLimitMs = 10_000
const closeLimitMs = 35_000
const restartAfterMs = 200

/**
 * Makes `runDir` and sees to it that nothing of it outlives this process: neither a process whose
 * arguments name it nor the directory. Resolves when the reaper runs; before that, nothing may be
 * started in `runDir`.
 */
export async function startReaper(runDir: string): Promise<Reaper> {
  const release = await claimRunDirectory(runDir)
  const reaper = new ReaperProcess(runDir, release)
  try {
    await reaper.start()
  } catch (error) {
    await reaper.close()
    throw error
  }
  return reaper
}

/**
 * Ends and removes what servers left under `baseDir` that could not clean up: their reaper was
 * killed with them, or the machine lost power. Returns the run directories it removed.
 */
export async function sweepLeftovers(baseDir: string): Promise<string[]> {
  const abandoned = await findAbandonedRuns(baseDir)
  for (const runDir of abandoned) await reap(runDir)
  return abandoned
}

class ReaperProcess implements Reaper {
  readonly #runDir: string
  readonly #release: () => void
  #child: ChildProcess | null = null
  #closed: Promise<void> | null = null

  constructor(runDir: string, release: () => void) {
    this.#runDir = runDir
    this.#release = release
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  async start(): Promise<void> {
    const child = spawnReaper(this.#runDir)
    this.#child = child
    child.once('exit', () => {
      this.#replace(child)
    })
    await untilReady(child)
    // The server may end while the reaper waits: that is what it waits for.
    child.unref()
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce()
    return this.#closed
  }

  async #closeOnce(): Promise<void> {
    this.#release()
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) {
      await reap(this.#runDir)
      return
    }
    child.ref()
    const exit = exitOf(child, closeLimitMs)
    child.stdin?.end()
    const code = await exit
    if (code !== 0) {
      throw new LabError('INTERNAL', `${this.#runDir} could not be removed (${code ?? 'no exit'})`)
    }
  }

  /** Someone ended the reaper while the server lives: there must be one. */
  #replace(child: ChildProcess): void {
    if (this.#closed !== null || this.#child !== child) return
    const timer = setTimeout(() => {
      if (this.#closed !== null) return
      // A failed start exits too, and comes here again.
      this.start().catch(() => undefined)
    }, restartAfterMs)
    timer.unref()
  }
}

function spawnReaper(runDir: string): ChildProcess {
  const child = spawn(process.execPath, ['--max-old-space-size=16', program, runDir], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  // Nothing is ever written: an error here means that the reaper has gone, and `exit` says so.
  child.stdin.on('error', () => undefined)
  return child
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: Error): void => {
      clearTimeout(timer)
      reject(new LabError('INTERNAL', `The reaper did not start: ${why}`, { cause }))
    }
    const timer = setTimeout(() => {
      fail(`it was silent for ${startLimitMs} ms`)
      child.kill('SIGKILL')
    }, startLimitMs)
    child.once('error', (cause) => {
      fail(cause.message, cause)
    })
    child.once('exit', (code, signal) => {
      fail(`it ended (code ${code}, signal ${signal})`)
    })
    child.stdout?.once('data', () => {
      clearTimeout(timer)
      child.stdout?.destroy()
      resolve()
    })
  })
}

/** Exit code; null for a signal or when the limit has passed. */
function exitOf(child: ChildProcess, limitMs: number): Promise<number | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), limitMs)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code)
    })
  })
}
