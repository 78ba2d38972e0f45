import { spawn } from 'node:child_process'
import path from 'node:path'
import { cacheFolder } from './cache.mjs'
import { isNewEnough, provideNode } from './node.mjs'
import { endWithParent, hasWaitingParent, isSecondProcess } from './parent.mjs'
import { endChildrenOnSignals } from './process.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * What `npm start` and the other scripts run. This file and everything it imports before it knows
 * its Node is plain JavaScript for any Node from 18 on, without dependencies.
 */
const tasks = [
  'set-up',
  'start',
  'dev',
  'test',
  'verify',
  'bench',
  'diagrams',
  'screenshots',
  'ming',
  'build',
]

/** @typedef {{ default: (args: string[]) => Promise<number> }} TaskModule */

/**
 * @param {string | undefined} task
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function main(task, args) {
  if (task === undefined || !tasks.includes(task)) {
    process.stderr.write(`Expected one of these tasks: ${tasks.join(', ')}\n`)
    return 2
  }
  if (hasWaitingParent()) endWithParent()
  if (isNewEnough(process.version)) return await runTask(task, args)
  if (isSecondProcess()) throw new SetupError(`The Node that was fetched is ${process.version}.`)
  endChildrenOnSignals()
  return await runWithNewerNode(await provideNode({ cache: cacheFolder() }))
}

/**
 * @param {string} task
 * @param {string[]} args
 * @returns {Promise<number>}
 */
async function runTask(task, args) {
  const file = `./tasks/${task}.mjs`
  const module = /** @type {TaskModule} */ (await import(file))
  endChildrenOnSignals()
  return await module.default(args)
}

/**
 * Runs this very command again, and stands aside until it ends.
 * @param {string} node
 * @returns {Promise<number>}
 */
function runWithNewerNode(node) {
  const env = {
    ...process.env,
    PATH: `${path.dirname(node)}${path.delimiter}${process.env['PATH'] ?? ''}`,
    // npm tells its scripts which Node it runs with.
    NODE: node,
    npm_node_execpath: node,
    LAB_SETUP_PARENT: String(process.pid),
  }
  const child = spawn(node, process.argv.slice(1), { env, stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.removeAllListeners(signal)
    process.on(signal, () => child.kill(signal))
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (signal === null) resolve(code ?? 1)
      else endBySignal(signal)
    })
  })
}

/**
 * Ends as the child ended, so that the shell above sees the same.
 * @param {NodeJS.Signals} signal
 */
function endBySignal(signal) {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** @param {unknown} error */
function report(error) {
  const text = error instanceof SetupError ? error.message : String(errorStack(error))
  process.stderr.write(`[set-up] ${text}\n`)
}

/** @param {unknown} error */
function errorStack(error) {
  return error instanceof Error ? error.stack : error
}

try {
  const [task, ...args] = process.argv.slice(2)
  process.exitCode = await main(task, args)
} catch (error) {
  report(error)
  process.exitCode = 1
}
