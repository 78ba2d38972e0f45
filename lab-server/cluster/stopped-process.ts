import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const lookEveryMs = 2

/**
 * Waits until the kernel says of a process that was sent SIGSTOP or SIGCONT what it should: stopped,
 * or not. False when it has ended meanwhile or the limit has passed.
 */
export async function untilStopped({
  pid,
  stopped,
  alive,
  limitMs,
}: {
  readonly pid: number | undefined
  readonly stopped: boolean
  readonly alive: () => boolean
  readonly limitMs: number
}): Promise<boolean> {
  const limit = performance.now() + limitMs
  while (pid !== undefined && alive()) {
    if ((await isStopped(pid)) === stopped) return true
    if (performance.now() > limit) return false
    await delay(lookEveryMs)
  }
  return false
}

/** True when the kernel reports the process as stopped by a signal (state T); false when it is gone. */
export async function isStopped(pid: number): Promise<boolean> {
  try {
    return (await processStateLetter(pid)) === 'T'
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

async function processStateLetter(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    return stateInStat(await readFile(`/proc/${pid}/stat`, 'utf8'))
  }
  const { stdout } = await run('/bin/ps', ['-o', 'state=', '-p', String(pid)])
  return stdout.trim()[0]
}

/** No such file under /proc, no such process, or `ps` found nothing (exit code 1). */
function isGone(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 1
}

/** The name in /proc/<pid>/stat may hold spaces and parentheses: the state follows the last one. */
export function stateInStat(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 1).trim()[0]
}
