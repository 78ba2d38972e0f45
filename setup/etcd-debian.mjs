import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { addToCache } from './cache.mjs'
import { inspectEtcd } from './etcd-binaries.mjs'
import { explainFailure, findProgram, run } from './process.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

const programs = ['apt-get', 'apt-config', 'dpkg', 'dpkg-deb']

/** Newest first. The packages need little of the system, so they run on older releases too. */
const suites = ['sid', 'testing', 'trixie']

/** What Debian's own archive calls its releases; other archives have names of their own. */
const debianRelease =
  /^(?:sid|unstable|testing|(?:old){0,2}stable|bullseye|bookworm|trixie|forky|duke)$/

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Fetches Debian's newest etcd from the machine's own mirror and unpacks it into the cache. Works
 * without root and changes nothing of the system: apt keeps a private state in the cache folder,
 * and checks Debian's signatures as always.
 * @param {{ cache: string, suites?: readonly string[] }} options
 * @returns {Promise<string>} the folder that holds etcd and etcdctl
 */
export async function fetchEtcdFromDebian(options) {
  const missing = programs.filter((name) => findProgram(name) === null)
  if (missing.length > 0) throw new SetupError(`not a Debian system (no ${missing.join(', ')})`)
  const mirrors = await findMirrors()
  if (mirrors.length === 0) throw new SetupError('apt is not set up with a mirror of Debian')
  /** @type {string[]} */
  const problems = []
  for (const suite of options.suites ?? suites) {
    for (const mirror of mirrors) {
      try {
        return await fetchSuite(options.cache, mirror, suite)
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
 * @param {string} cache
 * @param {string} mirror
 * @param {string} suite
 */
async function fetchSuite(cache, mirror, suite) {
  const name = `etcd-debian-${suite}-${process.platform}-${process.arch}`
  return await addToCache(cache, name, 'etcd', async (folder) => {
    const work = path.join(folder, 'apt')
    const apt = await createPrivateApt(work, mirror, suite)
    await apt(['update'], 'reading the package lists')
    await apt(['download', 'etcd-server', 'etcd-client'], 'downloading the packages')
    await unpack(work, folder)
    await rm(work, { recursive: true })
    await inspectEtcd(folder)
  })
}

/**
 * @param {string} folder
 * @param {string} mirror
 * @param {string} suite
 */
async function createPrivateApt(folder, mirror, suite) {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'parts']) {
    await mkdir(path.join(folder, name), { recursive: true })
  }
  const signedBy = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  await writeFile(path.join(folder, 'sources.list'), `deb ${signedBy}${mirror} ${suite} main\n`)
  await writeFile(path.join(folder, 'status'), '')
  const config = path.join(folder, 'apt.conf')
  await writeFile(config, `${await readTransport()}\n${privateSettings(folder)}\n`)
  const env = { ...process.env, APT_CONFIG: config, LC_ALL: 'C' }

  /**
   * @param {readonly string[]} args
   * @param {string} what
   */
  return async (args, what) => {
    const finished = await run('apt-get', args, { cwd: folder, env, timeoutMs: 5 * 60_000 })
    // `update` exits with 0 although a list could not be had; then it says so on standard error.
    const failed = finished.code !== 0 || /^(?:E|W): Failed to fetch/m.test(finished.stderr)
    if (failed) throw new SetupError(`${what}: ${explainApt(finished)}`)
  }
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
 */
function privateSettings(folder) {
  return [
    'Dir::Etc::Main "/dev/null";',
    `Dir::Etc::Parts "${folder}/parts";`,
    `Dir::Etc::SourceList "${folder}/sources.list";`,
    `Dir::Etc::SourceParts "${folder}/parts";`,
    `Dir::Etc::Preferences "/dev/null";`,
    `Dir::Etc::PreferencesParts "${folder}/parts";`,
    `Dir::State "${folder}/state";`,
    `Dir::State::Lists "${folder}/state/lists";`,
    `Dir::State::Status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    'Dir::Log "/dev/null";',
    // The private folder may lie where apt's own user cannot go.
    'APT::Sandbox::User "";',
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    'Acquire::http::Timeout "10";',
    'Acquire::https::Timeout "10";',
  ].join('\n')
}

/**
 * @param {string} work
 * @param {string} folder
 */
async function unpack(work, folder) {
  const packages = (await readdir(work)).filter((name) => name.endsWith('.deb'))
  const tree = path.join(work, 'tree')
  for (const name of packages) {
    const finished = await run('dpkg-deb', ['-x', path.join(work, name), tree])
    if (finished.code !== 0) throw new SetupError(`dpkg-deb: ${explainFailure(finished)}`)
  }
  for (const name of ['etcd', 'etcdctl']) {
    await rename(path.join(tree, 'usr/bin', name), path.join(folder, name))
  }
}
