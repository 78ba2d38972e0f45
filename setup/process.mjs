import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] the whole environment; default: this process's own
 * @property {number} [timeoutMs] SIGTERM after this time, SIGKILL two seconds later
 * @property {'capture' | 'show'} [output] default `capture`
 * @property {AbortSignal} [stop] SIGTERM when it is aborted
 *
 * @typedef {object} Finished
 * @property {number | null} code null when a signal ended it
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout empty with `show`
 * @property {string} stderr empty with `show`
 * @property {boolean} timedOut
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/**
 * Runs a program to its end. Resolves for every exit code; rejects only when it cannot be started.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Finished>}
 */
export function run(command, args, options = {}) {
  const stdio = options.output === 'show' ? 'inherit' : 'pipe'
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', stdio, stdio],
  })
  running.add(child)
  options.stop?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
  return new Promise((resolve, reject) => {
    const limit = limitTime(child, options.timeoutMs)
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.on('error', (error) => {
      running.delete(child)
      limit.stop()
      reject(error)
    })
    child.on('close', (code, signal) => {
      running.delete(child)
      limit.stop()
      resolve({ code, signal, stdout: stdout(), stderr: stderr(), timedOut: limit.reached() })
    })
  })
}

/**
 * @param {import('node:stream').Readable | null} stream
 * @returns {() => string}
 */
function collect(stream) {
  /** @type {Buffer[]} */
  const chunks = []
  stream?.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {number | undefined} timeoutMs
 */
function limitTime(child, timeoutMs) {
  let reached = false
  /** @type {NodeJS.Timeout[]} */
  const timers = []
  if (timeoutMs !== undefined) {
    timers.push(
      setTimeout(() => {
        reached = true
        child.kill('SIGTERM')
        timers.push(setTimeout(() => child.kill('SIGKILL'), 2000))
      }, timeoutMs),
    )
  }
  return { reached: () => reached, stop: () => timers.forEach(clearTimeout) }
}

/**
 * Why a program failed, in one line: its last words, or how it ended.
 * @param {Finished} finished
 */
export function explainFailure(finished) {
  if (finished.timedOut) return 'it took too long and was ended'
  const lines = `${finished.stdout}\n${finished.stderr}`.split('\n').map((line) => line.trim())
  const last = lines.filter((line) => line !== '').at(-1)
  const how =
    finished.signal === null ? `exit code ${String(finished.code)}` : `signal ${finished.signal}`
  return last === undefined ? how : `${last} (${how})`
}

/**
 * The first folder of PATH that holds an executable file of this name.
 * @param {string} name
 * @param {string} [searchPath]
 * @returns {string | null} absolute path of the program
 */
export function findProgram(name, searchPath = process.env['PATH'] ?? '') {
  const folders = searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder))
  return folders.map((folder) => path.join(folder, name)).find(isProgram) ?? null
}

/**
 * @param {string} file
 * @returns {boolean}
 */
export function isProgram(file) {
  if (!(statSync(file, { throwIfNoEntry: false })?.isFile() ?? false)) return false
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not executable by this user: that is the answer, not a failure.
    return false
  }
}

/**
 * @param {number} pid
 * @returns {boolean}
 */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * When this process is told to end, its children end first, so that nothing goes on unseen.
 * Ctrl-C reaches the whole group of the terminal anyway; `kill <pid>` reaches only this process.
 */
export function endChildrenOnSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      void endChildren(signal).then(() => process.exit(128 + os.constants.signals[signal]))
    })
  }
}

/** @param {NodeJS.Signals} signal */
async function endChildren(signal) {
  const ends = [...running].map(
    (child) =>
      new Promise((resolve) => {
        child.once('close', resolve)
        child.kill(signal)
      }),
  )
  const patience = new Promise((resolve) => setTimeout(resolve, 8000).unref())
  await Promise.race([Promise.all(ends), patience])
  for (const child of running) child.kill('SIGKILL')
}
