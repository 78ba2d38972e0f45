import { existsSync } from 'node:fs'
import path from 'node:path'
import { explainFailure, findProgram, isProgram, run } from './process.mjs'
import { say, withProgress } from './progress.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const macApplications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/**
 * A Chromium for the browser tests and pictures: LAB_CHROMIUM, one that is installed, Playwright's
 * own, Debian's package. Rejects with one message that lists every way and why it failed.
 * @param {string} root the project
 * @returns {Promise<string>} path of the program
 */
export async function provideChromium(root) {
  const program = await findOrFetch(root)
  await provideChineseFonts()
  return program
}

/**
 * @param {string} root
 * @returns {Promise<string>}
 */
async function findOrFetch(root) {
  const named = process.env['LAB_CHROMIUM']
  if (named) return await checkNamed(named)
  /** @type {{ name: string, find: () => Promise<string> }[]} */
  const ways = [
    { name: 'installed browsers', find: findInstalled },
    { name: "Playwright's browsers", find: () => findPlaywrights(root) },
    { name: "Playwright's download", find: () => downloadPlaywrights(root) },
    { name: 'Debian package', find: installFromDebian },
  ]
  /** @type {string[]} */
  const problems = []
  for (const way of ways) {
    try {
      return await way.find()
    } catch (error) {
      problems.push(`  - ${way.name}: ${messageOf(error)}`)
    }
  }
  throw new SetupError(
    [
      'The browser tests need Chromium, and none of these ways led to one:',
      ...problems,
      'What to do: install Chromium or Chrome, or set LAB_CHROMIUM to its program.',
    ].join('\n'),
  )
}

/** @param {string} program */
async function checkNamed(program) {
  try {
    await checkRuns(program)
    return program
  } catch (error) {
    throw new SetupError(`LAB_CHROMIUM=${program} cannot be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/**
 * A package may install a program that only says where to get the real one.
 * @param {string} program
 */
async function checkRuns(program) {
  if (!isProgram(program)) throw new SetupError(`${program} is not a program`)
  const finished = await run(program, ['--version'], { timeoutMs: 30_000 })
  if (finished.code === 0 && /\d+\.\d+/.test(finished.stdout)) return
  throw new SetupError(`${program} does not run: ${explainFailure(finished)}`)
}

async function findInstalled() {
  const found = [...names.map((name) => findProgram(name)), ...macApplications]
  /** @type {string[]} */
  const problems = []
  for (const program of found) {
    if (program === null || !existsSync(program)) continue
    try {
      await checkRuns(program)
      return program
    } catch (error) {
      problems.push(messageOf(error))
    }
  }
  throw new SetupError(problems.length === 0 ? `no ${names.join(', ')}` : problems.join('; '))
}

/** @param {string} root */
async function findPlaywrights(root) {
  const script = "console.log(require('@playwright/test').chromium.executablePath())"
  const finished = await run(process.execPath, ['-e', script], { cwd: root })
  if (finished.code !== 0) throw new SetupError(explainFailure(finished))
  const program = finished.stdout.trim()
  await checkRuns(program)
  return program
}

/** @param {string} root */
async function downloadPlaywrights(root) {
  const cli = path.join(root, 'node_modules/@playwright/test/cli.js')
  const env = { ...process.env, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000' }
  await withProgress("Fetching Playwright's Chromium", async () => {
    const args = [cli, 'install', 'chromium']
    const finished = await run(process.execPath, args, { env, timeoutMs: 10 * 60_000 })
    if (finished.code !== 0) throw new SetupError(explainPlaywright(finished))
  })
  return await findPlaywrights(root)
}

/** @param {import('./process.mjs').Finished} finished */
function explainPlaywright(finished) {
  const lines = `${finished.stdout}\n${finished.stderr}`.split('\n')
  const line = lines.find((text) => /Error: (?!read|Download failure)/.test(text))
  return line?.trim() ?? explainFailure(finished)
}

async function installFromDebian() {
  await installPackages(['chromium', 'fonts-noto-cjk'], 'The browser tests need Chromium')
  return await findInstalled()
}

/** Without them Chinese text is drawn as empty boxes, and pictures and widths are wrong. */
async function provideChineseFonts() {
  if (await hasChineseFont()) return
  try {
    await installPackages(['fonts-noto-cjk'], 'No font with Chinese characters is installed')
  } catch (error) {
    say(`No font with Chinese characters, and none could be installed: ${messageOf(error)}`)
  }
}

async function hasChineseFont() {
  if (process.platform !== 'linux') return true
  if (findProgram('fc-list') === null) return existsSync('/usr/share/fonts/opentype/noto')
  const finished = await run('fc-list', [':lang=zh', 'file'])
  return finished.stdout.trim() !== ''
}

/**
 * Says what it is going to install, then does it.
 * @param {string[]} packages
 * @param {string} why
 */
async function installPackages(packages, why) {
  if (findProgram('apt-get') === null) throw new SetupError('not a Debian system (no apt-get)')
  const list = packages.join(' ')
  if (process.getuid?.() !== 0) {
    throw new SetupError(`needs root: sudo apt-get install ${list}`)
  }
  say(`${why}; installing Debian's packages: ${list}`)
  await withProgress(`Installing ${list}`, async () => {
    if ((await install(packages)).code === 0) return
    // The machine's package lists may be old or may never have been read.
    const update = await run('apt-get', ['update'], { timeoutMs: 5 * 60_000 })
    const finished = await install(packages)
    if (finished.code === 0) return
    const reason = update.code === 0 ? explainFailure(finished) : explainFailure(update)
    throw new SetupError(`apt-get: ${reason}`)
  })
}

/** @param {readonly string[]} packages */
async function install(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  const args = ['install', '-y', '--no-install-recommends', ...packages]
  return await run('apt-get', args, { env, timeoutMs: 15 * 60_000 })
}
