import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { explainFailure, findProgram, run } from './process.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

const programs = ['apt-get', 'apt-config', 'dpkg', 'dpkg-deb']

/** What Debian's own archive calls its releases; other archives have names of their own. */
const debianRelease =
  /^(?:sid|unstable|testing|(?:old){0,2}stable|bullseye|bookworm|trixie|forky|duke)$/

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * @typedef {object} Source
 * @property {string} mirror
 * @property {string} suite
 *
 * @callback Apt
 * @param {readonly string[]} args
 * @param {string} what what is being done, for the message when it fails
 * @returns {Promise<void>}
 */

/**
 * Tries each suite on each of the machine's mirrors of Debian until one serves. Rejects with one
 * message that lists every attempt and why it failed.
 * @template T
 * @param {readonly string[]} suites the best first
 * @param {(source: Source) => Promise<T>} attempt
 * @returns {Promise<T>}
 */
export async function fromFirstSuite(suites, attempt) {
  const missing = programs.filter((name) => findProgram(name) === null)
  if (missing.length > 0) throw new SetupError(`not a Debian system (no ${missing.join(', ')})`)
  const mirrors = await findMirrors()
  if (mirrors.length === 0) throw new SetupError('apt is not set up with a mirror of Debian')
  /** @type {string[]} */
  const problems = []
  for (const suite of suites) {
    for (const mirror of mirrors) {
      try {
        return await attempt({ mirror, suite })
      } catch (error) {
        problems.push(`${suite} from ${mirror}: ${messageOf(error)}`)
      }
    }
  }
  throw new SetupError(problems.join('; '))
}

/**
 * Mirrors of Debian's main archive in apt's own configuration; works before any `apt-get update`.
 * @returns {Promise<string[]>}
 */
async function findMirrors() {
  const format = '$(CREATED_BY)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)'
  // Without release information: that is only there once the lists have been read.
  const args = ['indextargets', '--no-release-info', '--format', format]
  const finished = await run('apt-get', args)
  const rows = finished.stdout.split('\n').map((line) => line.split('|'))
  const uris = rows
    .filter(([by, component]) => by === 'Packages' && component === 'main')
    .filter(([, , release]) => debianRelease.test(release ?? ''))
    .map(([, , , uri]) => uri ?? '')
  return [...new Set(uris)]
}

/**
 * The name of this machine's own Debian release, such as bookworm; null on any other system.
 * @returns {Promise<string | null>}
 */
export async function ownRelease() {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if (!/^ID=debian$/m.test(text)) return null
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? null
}

/**
 * An apt with a state of its own in `folder`, with its package lists read: it works without root,
 * changes nothing of the system, and checks Debian's signatures as always.
 * @param {string} folder
 * @param {Source} source
 * @param {{ status?: string }} [options] `status`: what counts as installed, as a file of dpkg;
 *   by default nothing does
 * @returns {Promise<Apt>}
 */
export async function createPrivateApt(folder, source, options = {}) {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'parts']) {
    await mkdir(path.join(folder, name), { recursive: true })
  }
  const signedBy = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  const line = `deb ${signedBy}${source.mirror} ${source.suite} main\n`
  await writeFile(path.join(folder, 'sources.list'), line)
  await writeFile(path.join(folder, 'status'), '')
  const config = path.join(folder, 'apt.conf')
  const settings = privateSettings(folder, options.status ?? path.join(folder, 'status'))
  await writeFile(config, `${await readTransport()}\n${settings}\n`)
  const env = { ...process.env, APT_CONFIG: config, LC_ALL: 'C' }

  /** @type {Apt} */
  const apt = async (args, what) => {
    const finished = await run('apt-get', args, { cwd: folder, env, timeoutMs: 5 * 60_000 })
    // `update` exits with 0 although a list could not be had; then it says so on standard error.
    const failed = finished.code !== 0 || /^(?:E|W): Failed to fetch/m.test(finished.stderr)
    if (failed) throw new SetupError(`${what}: ${explainApt(finished)}`)
  }
  await apt(['update'], 'reading the package lists')
  return apt
}

/** @param {import('./process.mjs').Finished} finished */
function explainApt(finished) {
  const lines = finished.stderr.split('\n')
  const line = lines.find((text) => text.startsWith('E:')) ?? lines.find((text) => text !== '')
  return line === undefined || finished.timedOut ? explainFailure(finished) : line.trim()
}

/** How this machine reaches its mirrors: proxies, certificates, and which lists it trusts. */
async function readTransport() {
  const finished = await run('apt-config', ['dump', 'Acquire'])
  if (finished.code !== 0) throw new SetupError(`apt-config: ${explainFailure(finished)}`)
  const lines = finished.stdout.split('\n')
  return lines.filter((line) => /^Acquire::(?!Languages|IndexTargets)/.test(line)).join('\n')
}

/**
 * The system's own settings are left out: its hooks act on the whole system.
 * @param {string} folder
 * @param {string} status
 */
function privateSettings(folder, status) {
  return [
    'Dir::Etc::Main "/dev/null";',
    `Dir::Etc::Parts "${folder}/parts";`,
    `Dir::Etc::SourceList "${folder}/sources.list";`,
    `Dir::Etc::SourceParts "${folder}/parts";`,
    `Dir::Etc::Preferences "/dev/null";`,
    `Dir::Etc::PreferencesParts "${folder}/parts";`,
    `Dir::State "${folder}/state";`,
    `Dir::State::Lists "${folder}/state/lists";`,
    `Dir::State::Status "${status}";`,
    `Dir::Cache "${folder}/cache";`,
    'Dir::Log "/dev/null";',
    // The private folder may lie where apt's own user cannot go.
    'APT::Sandbox::User "";',
    // Nothing is installed, so the system's own lock is nobody's business.
    'Debug::NoLocking "true";',
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    'Acquire::http::Timeout "10";',
    'Acquire::https::Timeout "10";',
  ].join('\n')
}

/**
 * Unpacks every package that `folder` holds into `tree`.
 * @param {string} folder
 * @param {string} tree
 */
export async function unpackPackages(folder, tree) {
  const packages = (await readdir(folder)).filter((name) => name.endsWith('.deb'))
  for (const name of packages) {
    const finished = await run('dpkg-deb', ['-x', path.join(folder, name), tree])
    if (finished.code !== 0) throw new SetupError(`dpkg-deb: ${explainFailure(finished)}`)
  }
}
