import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive } from './process.mjs'
import { say } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

const retryMs = 200
const limitMs = 15 * 60_000
/** The holder touches its lock that often: another process may have got the number of a dead one. */
const beatMs = 5000
const silentMs = 60_000

/**
 * Does `work` while no other run holds the lock of this name, and says so when it has to wait.
 * The lock of a run that died is taken over.
 * @template T
 * @param {string} file
 * @param {string} what what the other run is doing
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, what, work) {
  await mkdir(path.dirname(file), { recursive: true })
  await acquire(file, what)
  const beat = setInterval(() => void refresh(file), beatMs)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await rm(file, { force: true })
  }
}

/**
 * @param {string} file
 * @param {string} what
 */
async function acquire(file, what) {
  const deadline = performance.now() + limitMs
  let said = false
  while (!(await tryAcquire(file))) {
    const holder = await readHolder(file)
    if (holder !== null && (!isAlive(holder) || (await isSilent(file)))) await breakLock(file)
    else if (performance.now() > deadline) {
      throw new SetupError(
        `Process ${String(holder)} has been ${what} for too long. If it is not, remove ${file}.`,
      )
    } else {
      if (!said && holder !== null) say(`Waiting for process ${String(holder)}, which is ${what} …`)
      said ||= holder !== null
      await delay(retryMs)
    }
  }
}

/**
 * @param {string} file
 * @returns {Promise<boolean>}
 */
async function tryAcquire(file) {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/**
 * @param {string} file
 * @returns {Promise<number | null>} null while the holder has not written its number, or let go
 */
async function readHolder(file) {
  const text = await readFile(file, 'utf8').catch(() => '')
  return /^\d+$/.test(text) ? Number(text) : null
}

/** @param {string} file */
async function refresh(file) {
  const now = new Date()
  // A lock that is no longer there was taken over: nothing to refresh.
  await utimes(file, now, now).catch(() => undefined)
}

/**
 * @param {string} file
 * @returns {Promise<boolean>}
 */
async function isSilent(file) {
  const facts = await stat(file).catch(() => null)
  return facts !== null && Date.now() - facts.mtimeMs > silentMs
}

/**
 * Renaming first: of two runs that find the same dead lock, one moves it and the other fails to.
 * @param {string} file
 */
async function breakLock(file) {
  const aside = `${file}.${String(process.pid)}`
  await rename(file, aside).catch(() => undefined)
  await rm(aside, { force: true })
}
