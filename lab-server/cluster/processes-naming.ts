import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Pids of all processes whose arguments name `path` or something below it; never this process. */
export async function processesNaming(path: string): Promise<number[]> {
  const commands = process.platform === 'linux' ? await readProc() : await readPs()
  return commands
    .filter(({ pid, command }) => pid !== process.pid && mentionsPath(command, path))
    .map(({ pid }) => pid)
}

/** True when `path` stands in `command` as a whole path or as the beginning of a longer one. */
export function mentionsPath(command: string, path: string): boolean {
  for (let at = command.indexOf(path); at !== -1; at = command.indexOf(path, at + 1)) {
    const next = command[at + path.length]
    if (next === undefined || !/[\w.+~@-]/.test(next)) return true
  }
  return false
}

interface RunningCommand {
  readonly pid: number
  readonly command: string
}

async function readProc(): Promise<RunningCommand[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return Promise.all(
    pids.map(async (pid) => ({ pid: Number(pid), command: await readCommandLine(pid) })),
  )
}

async function readCommandLine(pid: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It ended since it was listed, or it hides from this user: either way not ours to end.
    return ''
  }
}

async function readPs(): Promise<RunningCommand[]> {
  const { stdout } = await run('/bin/ps', ['-axww', '-o', 'pid=,command='], { maxBuffer: 2 ** 26 })
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+) (.*)$/.exec(line)
    return match === null ? [] : [{ pid: Number(match[1]), command: match[2] ?? '' }]
  })
}
