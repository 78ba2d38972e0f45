import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fingerprint, readStamp, writeStamp } from './fingerprint.mjs'
import { withLock } from './lock.mjs'
import { explainNpm, runNpm } from './npm.mjs'
import { withProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Installs the npm packages when those in node_modules are not the ones of package-lock.json for
 * this system. A folder that npm itself has filled with the right ones is accepted as it is.
 * @param {string} root the project
 */
export async function provideDependencies(root) {
  if (await isInstalled(root)) return
  await withLock(
    path.join(root, '.cache/install.lock'),
    'installing the npm packages',
    async () => {
      if (await isInstalled(root)) return
      if (!(await holdsLockedPackages(root))) await install(root)
      await writeStamp(stampFile(root), await currentStamp(root))
    },
  )
}

/** @param {string} root */
function stampFile(root) {
  return path.join(root, 'node_modules/.ming-registry-lab')
}

/**
 * The Node version is not part of it: no package is compiled for one.
 * @param {string} root
 */
function currentStamp(root) {
  return fingerprint(root, ['package-lock.json'], [process.platform, process.arch])
}

/** @param {string} root */
async function isInstalled(root) {
  return (await readStamp(stampFile(root))) === (await currentStamp(root))
}

/** @param {string} root */
async function install(root) {
  await withProgress('Installing the npm packages', async () => {
    // Most of what runs here is not part of the package, also where NODE_ENV is production.
    const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
    const finished = await runNpm(args, root)
    if (finished.code !== 0) throw new SetupError(explainInstall(finished))
  })
}

/** @param {import('./process.mjs').Finished} finished */
function explainInstall(finished) {
  return [
    'The npm packages could not be installed (npm ci):',
    ...explainNpm(finished)
      .slice(0, 15)
      .map((line) => `    ${line}`),
    'Check that npm can reach its registry and that the disk is not full, then try again.',
  ].join('\n')
}

/**
 * @typedef {{ packages?: Record<string, { version?: string, optional?: boolean }> }} Lockfile
 */

/**
 * npm keeps in node_modules a list of what it has put there.
 * @param {string} root
 */
async function holdsLockedPackages(root) {
  const wanted = (await readLockfile(path.join(root, 'package-lock.json')))?.packages
  const there = (await readLockfile(path.join(root, 'node_modules/.package-lock.json')))?.packages
  if (wanted === undefined || there === undefined) return false
  return Object.entries(wanted)
    .filter(([folder]) => folder !== '')
    .every(([folder, { version, optional }]) => {
      const found = there[folder]
      return found === undefined ? optional === true : found.version === version
    })
}

/**
 * @param {string} file
 * @returns {Promise<Lockfile | null>}
 */
async function readLockfile(file) {
  const text = await readFile(file, 'utf8').catch(() => null)
  return text === null ? null : /** @type {Lockfile} */ (JSON.parse(text))
}
