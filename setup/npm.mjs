import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { explainFailure, findProgram, run } from './process.mjs'
import { SetupError } from './setup-error.mjs'

const settings = [
  '--loglevel=error',
  '--no-progress',
  '--no-update-notifier',
  // npm would wait 10 s before it asks an unreachable registry again, and then longer.
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
]

/**
 * Runs npm to its end with the Node of this process.
 * @param {readonly string[]} args
 * @param {string} folder
 */
export function runNpm(args, folder) {
  return run(process.execPath, [findNpmCli(), ...args, ...settings], { cwd: folder })
}

/**
 * What npm says is wrong, most important first, without its advice about itself.
 * @param {import('./process.mjs').Finished} finished
 * @returns {string[]} lines; at least one
 */
export function explainNpm(finished) {
  const words = `${finished.stderr}\n${finished.stdout}`
    .split('\n')
    .filter((line) => line.startsWith('npm error'))
    .map((line) => line.replace(/^npm error ?/, '').trim())
    .filter((line) => line !== '' && !/^(?:A complete log|code |errno )/.test(line))
  return words.length === 0 ? [explainFailure(finished)] : words
}

/**
 * The file that npm itself is: run with the Node of our choice, whichever Node `npm` would use.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
function findNpmCli(env = process.env) {
  const found = candidates(env).find((file) => file !== null && isNpmCli(file))
  if (found) return found
  throw new SetupError('npm was not found. Install it (it comes with Node), then try again.')
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {(string | null)[]}
 */
function candidates(env) {
  const onPath = findProgram('npm', env['PATH'])
  const prefix = path.resolve(path.dirname(process.execPath), '..')
  return [
    env['npm_execpath'] ?? null,
    path.join(prefix, 'lib/node_modules/npm/bin/npm-cli.js'),
    onPath === null ? null : realpathSync(onPath),
  ]
}

/** @param {string} file */
function isNpmCli(file) {
  return path.basename(file) === 'npm-cli.js' && existsSync(file)
}
