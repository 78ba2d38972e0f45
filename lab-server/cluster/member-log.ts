import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** Above this size a log file is cut down to its newest part. */
const maxBytes = 1024 * 1024
const keptBytes = 256 * 1024

/**
 * Opens a member's log for appending. A file, not a pipe: a member must never block because the
 * server is slow to read.
 */
export function openMemberLog(path: string): number {
  return openSync(path, 'a', 0o600)
}

/** The newest `lines` lines, oldest first; empty when the member never ran. */
export async function readMemberLog(path: string, lines: number): Promise<string[]> {
  const file = await open(path, 'r').catch(nullIfMissing)
  if (file === null) return []
  try {
    const all = readEnd(file.fd, maxBytes).toString('utf8').split('\n')
    if (all.at(-1) === '') all.pop()
    return lines > 0 ? all.slice(-lines) : []
  } finally {
    await file.close()
  }
}

/**
 * The lines that say what went wrong: the newest ones above the level of information, or, where
 * there are none, the newest of all.
 */
export function tellingLines(lines: readonly string[], count: number): readonly string[] {
  const troubled = lines.filter((line) => !/^\{"level":"(?:debug|info)"/.test(line))
  return (troubled.length > 0 ? troubled : lines).slice(-count)
}

/**
 * Cuts a log that has grown too long, in place: the member keeps its descriptor, which appends.
 * Lines written between the read and the cut are lost; that is microseconds.
 */
export function trimMemberLog(path: string): void {
  const file = openIfThere(path)
  if (file === null) return
  try {
    if (fstatSync(file).size <= maxBytes) return
    const end = readEnd(file, keptBytes)
    const firstWholeLine = end.subarray(end.indexOf('\n') + 1)
    ftruncateSync(file, 0)
    writeSync(file, firstWholeLine, 0, firstWholeLine.length, 0)
  } finally {
    closeSync(file)
  }
}

function readEnd(file: number, bytes: number): Buffer {
  const size = fstatSync(file).size
  const from = Math.max(0, size - bytes)
  const buffer = Buffer.alloc(size - from)
  const read = readSync(file, buffer, 0, buffer.length, from)
  return buffer.subarray(0, read)
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    return nullIfMissing(error)
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
