import { createHash } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { fingerprint, readStamp, writeStamp } from './fingerprint.mjs'
import { withLock } from './lock.mjs'
import { explainFailure, run } from './process.mjs'
import { withProgress } from './progress.mjs'
import { SetupError } from './setup-error.mjs'

/** Everything a page is made of. */
const inputs = [
  'content',
  'src',
  'pages',
  'public',
  'protocol',
  'astro.config.mjs',
  'content.config.ts',
  'package-lock.json',
]
const settings = ['BASE_PATH', 'PUBLIC_URL']

/**
 * Builds the site when what it is made of has changed. A build that fails leaves the old one in
 * place.
 * @param {string} root the project
 * @returns {Promise<string>} the folder of the site
 */
export async function provideSite(root) {
  const folder = siteFolder(root)
  if (await isBuilt(root, folder)) return folder
  await withLock(path.join(root, '.cache/site.lock'), 'building the site', async () => {
    if (await isBuilt(root, folder)) return
    // Taken before the build: what changes meanwhile makes the next run build again.
    const stamp = await currentStamp(root)
    await withProgress('Building the site', () => build(root, folder, stamp))
  })
  return folder
}

/**
 * dist/, or a folder of its own for other settings: a server that runs with some settings keeps its
 * site when another one is started with others.
 * @param {string} root
 */
function siteFolder(root) {
  const words = settingWords()
  if (words.every((word) => word.endsWith('='))) return path.join(root, 'dist')
  const name = createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16)
  return path.join(root, '.cache/site', name)
}

function settingWords() {
  return settings.map((name) => `${name}=${process.env[name] ?? ''}`)
}

/**
 * @param {string} root
 * @param {string} folder
 */
async function isBuilt(root, folder) {
  return (await readStamp(stampFile(folder))) === (await currentStamp(root))
}

/** @param {string} folder */
function stampFile(folder) {
  return path.join(folder, '.built-from')
}

/** @param {string} root */
function currentStamp(root) {
  return fingerprint(root, inputs, settingWords())
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {string} stamp
 */
async function build(root, folder, stamp) {
  const fresh = path.join(root, '.cache/dist')
  // Astro's store survives moved files and changed plugins, and then reports false errors.
  await rm(path.join(root, 'node_modules/.astro'), { recursive: true, force: true })
  await rm(fresh, { recursive: true, force: true })
  const finished = await runAstro(root, ['build', '--outDir', fresh])
  if (finished.code !== 0) {
    throw new SetupError(
      `The site could not be built (astro build): ${explainFailure(finished)}\n${finished.stdout}${finished.stderr}`,
    )
  }
  await writeStamp(stampFile(fresh), stamp)
  await replaceFolder(fresh, folder)
}

/**
 * @param {string} fresh
 * @param {string} target
 */
async function replaceFolder(fresh, target) {
  const old = `${fresh}.old`
  await rm(old, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  await rename(target, old)
  await rename(fresh, target)
  await rm(old, { recursive: true })
}

/**
 * @param {string} root
 * @param {readonly string[]} args
 */
function runAstro(root, args) {
  const cli = path.join(root, 'node_modules/astro/bin/astro.mjs')
  return run(process.execPath, [cli, ...args], { cwd: root, env: astroEnvironment() })
}

/** @returns {NodeJS.ProcessEnv} */
export function astroEnvironment() {
  return { ...process.env, ASTRO_TELEMETRY_DISABLED: '1' }
}
