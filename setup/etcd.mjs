import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fetchEtcdArchive } from './etcd-archive.mjs'
import { compareVersions, inspectEtcd, oldestEtcd } from './etcd-binaries.mjs'
import { fetchEtcdFromDebian } from './etcd-debian.mjs'
import { findProgram } from './process.mjs'
import { withProgress } from './progress.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

/**
 * @typedef {object} Etcd
 * @property {string} dir the folder that holds etcd and etcdctl
 * @property {string} version such as 3.6.14
 * @property {string} source the way that led to it
 *
 * @typedef {object} EtcdOptions
 * @property {string} cache
 * @property {NodeJS.ProcessEnv} [env] LAB_ETCD_DIR and PATH are read from it
 * @property {import('./etcd-archive.mjs').EtcdRelease} [release]
 * @property {readonly string[]} [debianSuites]
 * @property {import('./download.mjs').DownloadLimits} [limits]
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {() => Promise<string>} find rejects with the reason why this way leads nowhere
 */

/**
 * etcd and etcdctl, at least 3.5: the folder the user names, PATH, the cache, the official release,
 * Debian's newest package. Rejects with one message that lists every way and why it failed.
 * @param {EtcdOptions} options
 * @returns {Promise<Etcd>}
 */
export async function provideEtcd(options) {
  const { env = process.env } = options
  if (env['LAB_ETCD_DIR']) return await useNamedFolder(env['LAB_ETCD_DIR'])
  /** @type {string[]} */
  const problems = ['LAB_ETCD_DIR: not set']
  for (const way of listWays({ ...options, env })) {
    try {
      const dir = await way.find()
      return { dir, version: await inspectEtcd(dir), source: way.name }
    } catch (error) {
      problems.push(`${way.name}: ${messageOf(error)}`)
    }
  }
  throw new SetupError(explainNothing(problems))
}

/**
 * What the user names is used or refused, never quietly replaced by something else.
 * @param {string} named
 * @returns {Promise<Etcd>}
 */
async function useNamedFolder(named) {
  const dir = path.resolve(named)
  try {
    return { dir, version: await inspectEtcd(dir), source: 'LAB_ETCD_DIR' }
  } catch (error) {
    throw new SetupError(
      `LAB_ETCD_DIR=${named} cannot be used: ${messageOf(error)}.\n` +
        `Name a folder that holds etcd and etcdctl, ${oldestEtcd} or newer, or unset LAB_ETCD_DIR to let set-up find or fetch them.`,
      { cause: error },
    )
  }
}

/**
 * @param {EtcdOptions & { env: NodeJS.ProcessEnv }} options
 * @returns {Way[]}
 */
function listWays(options) {
  const { cache, env, release, limits, debianSuites } = options
  return [
    { name: 'PATH', find: () => findOnPath(env['PATH']) },
    { name: 'cache', find: () => findInCache(cache) },
    {
      name: 'official release',
      find: () =>
        withProgress('Fetching the official release of etcd', () =>
          fetchEtcdArchive({ cache, ...(release && { release }), ...(limits && { limits }) }),
        ),
    },
    {
      name: 'Debian package',
      find: () =>
        withProgress("Fetching Debian's package of etcd", () =>
          fetchEtcdFromDebian({ cache, ...(debianSuites && { suites: debianSuites }) }),
        ),
    },
  ]
}

/**
 * @param {string | undefined} searchPath
 * @returns {Promise<string>}
 */
async function findOnPath(searchPath) {
  const etcd = findProgram('etcd', searchPath)
  if (etcd === null) throw new SetupError('no etcd there')
  const dir = path.dirname(etcd)
  try {
    await inspectEtcd(dir)
    return dir
  } catch (error) {
    throw new SetupError(`${dir}: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * The newest that runs.
 * @param {string} cache
 * @returns {Promise<string>}
 */
async function findInCache(cache) {
  const names = await readdir(cache).catch(() => /** @type {string[]} */ ([]))
  const dirs = names
    .filter((name) => name.startsWith('etcd-'))
    .map((name) => path.join(cache, name))
  /** @type {{ dir: string, version: string }[]} */
  const usable = []
  /** @type {string[]} */
  const problems = []
  for (const dir of dirs) {
    try {
      usable.push({ dir, version: await inspectEtcd(dir) })
    } catch (error) {
      problems.push(`${dir}: ${messageOf(error)}`)
    }
  }
  usable.sort((a, b) => compareVersions(b.version, a.version))
  if (usable[0] !== undefined) return usable[0].dir
  throw new SetupError(problems.length === 0 ? `nothing in ${cache}` : problems.join('; '))
}

/** @param {readonly string[]} problems */
function explainNothing(problems) {
  return [
    `etcd and etcdctl ${oldestEtcd} or newer are needed, and none of these ways led to them:`,
    ...problems.map((problem) => `  - ${problem}`),
    'What to do: install etcd (Debian 13 or newer: apt install etcd-server etcd-client; macOS: brew install etcd),',
    'or unpack a release of etcd 3.5 or newer and set LAB_ETCD_DIR to the folder that holds etcd and etcdctl.',
  ].join('\n')
}
