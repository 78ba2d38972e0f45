import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { processesNaming } from './processes-naming.ts'

/** How long ending and removing may take altogether. */
const limitMs = 30_000
const pauseMs = 20

/**
 * Ends every process that names `runDir` (paused ones too: SIGKILL needs no cooperation) and then
 * removes the directory. Rejects when something is still there after 30 s.
 */
export async function reap(runDir: string): Promise<void> {
  const limit = performance.now() + limitMs
  await endAll(runDir, limit)
  await rm(runDir, { recursive: true, force: true, maxRetries: 5 })
  // What was born between the last look and the removal.
  await endAll(runDir, limit)
  await rm(runDir, { recursive: true, force: true })
}

async function endAll(runDir: string, limit: number): Promise<void> {
  let left = await processesNaming(runDir)
  while (left.length > 0) {
    if (performance.now() > limit) {
      throw new Error(`Processes ${left.join(', ')} of ${runDir} do not end`)
    }
    left.forEach(endProcess)
    await delay(pauseMs)
    left = await processesNaming(runDir)
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: it was faster. EPERM: another user's; the limit tells if it stays.
    if (error instanceof Error && 'code' in error && isExpected(error.code)) return
    throw error
  }
}

function isExpected(code: unknown): boolean {
  return code === 'ESRCH' || code === 'EPERM'
}
