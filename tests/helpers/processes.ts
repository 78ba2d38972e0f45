import { readFileSync } from 'node:fs'

/** True while the process runs or is stopped; one that has ended and waits for its parent does not. */
export function processRuns(pid: number | null): boolean {
  if (pid === null) return false
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || statFields(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

/** Session id of a process on Linux. */
export function sessionOf(pid: number): number {
  return Number(statFields(pid)[3])
}

/** What /proc/<pid>/stat says after the name, which is in parentheses: state, ppid, pgrp, session … */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
