import { fetchComposeFromDebian, fetchEngineFromDebian } from './engine-debian.mjs'
import { startEngine } from './engine-daemon.mjs'
import { explainFailure, run } from './process.mjs'
import { withProgress } from './progress.mjs'
import { SetupError, SuiteUnavailable, messageOf } from './setup-error.mjs'

const answerMs = 10_000
const oldestCompose = 2

/**
 * @typedef {object} Engine
 * @property {string} version of the engine, such as 20.10.24
 * @property {NodeJS.ProcessEnv} env what programs need to use it: DOCKER_HOST, and DOCKER_CONFIG
 *   and PATH where client or compose are ours
 * @property {() => Promise<void>} close ends an engine that was started here, and nothing else
 */

/**
 * True when a run must have an engine: LAB_ENGINE=install, or any continuous integration.
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean}
 */
export function wantsEngine(env) {
  const choice = env['LAB_ENGINE']
  if (choice !== undefined && choice !== '' && choice !== 'install') {
    throw new SetupError(`LAB_ENGINE=${choice}: expected install, or nothing`)
  }
  return choice === 'install' || env['CI'] === 'true'
}

/**
 * A Docker engine with compose for the container tests: the one that answers here, else, only where
 * that is asked for, Debian's, unpacked into the cache and run as a child of this process. Rejects
 * with `SuiteUnavailable` where there is none and none was asked for.
 * @param {{ cache: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<Engine>}
 */
export async function provideEngine({ cache, env = process.env }) {
  const wanted = wantsEngine(env)
  const found = await findEngine(cache, env)
  if ('env' in found) return found
  if (!wanted) throw new SuiteUnavailable(explainNone(found.problem))
  try {
    return await startOwnEngine(cache)
  } catch (error) {
    throw new SetupError(
      [
        'The container tests need a Docker engine with compose 2 or newer:',
        `  - the engine of this machine: ${found.problem}`,
        `  - Debian's engine, run privately: ${messageOf(error)}`,
        'What to do: install and start Docker with its compose plugin.',
      ].join('\n'),
      { cause: error },
    )
  }
}

/** @param {string} problem */
function explainNone(problem) {
  return [
    `No Docker engine answers here (${problem}), so the container tests do not run.`,
    'What to do: start Docker; or, as root on Debian, set LAB_ENGINE=install: a private engine is',
    'unpacked into the cache, runs during the tests only, and changes nothing of the system.',
  ].join('\n')
}

/**
 * The engine that the user's own client would use.
 * @param {string} cache
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Engine | { problem: string }>}
 */
async function findEngine(cache, env) {
  try {
    const version = await ask(['version', '--format', '{{.Server.Version}}'], env)
    const host = await findHost(env)
    const own = { ...env, DOCKER_HOST: host }
    return {
      version,
      env: { DOCKER_HOST: host, ...(await findCompose(cache, own)) },
      close: () => Promise.resolve(),
    }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/**
 * Where the client's own settings (a context, DOCKER_HOST) point.
 * @param {NodeJS.ProcessEnv} env
 */
async function findHost(env) {
  if (env['DOCKER_HOST']) return env['DOCKER_HOST']
  return await ask(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], env)
}

/**
 * Compose of the machine, else Debian's from the cache.
 * @param {string} cache
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
async function findCompose(cache, env) {
  try {
    await checkCompose(env)
    return {}
  } catch (own) {
    try {
      const config = await fetchCompose(cache)
      await checkCompose({ ...env, DOCKER_CONFIG: config })
      return { DOCKER_CONFIG: config }
    } catch (error) {
      throw new SetupError(`${messageOf(own)}; Debian's: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** @param {NodeJS.ProcessEnv} env */
async function checkCompose(env) {
  const version = await ask(['compose', 'version', '--short'], env)
  const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0)
  if (major < oldestCompose) throw new SetupError(`docker compose is ${version}`)
}

/**
 * @param {string} cache
 * @returns {Promise<Engine>}
 */
async function startOwnEngine(cache) {
  if (process.getuid?.() !== 0) throw new SetupError('needs root')
  const folder = await withProgress("Fetching Debian's Docker engine", () =>
    fetchEngineFromDebian(cache),
  )
  const config = await fetchCompose(cache)
  const daemon = await withProgress('Starting a private Docker engine', () => startEngine(folder))
  const env = { PATH: daemon.path, DOCKER_HOST: daemon.host, DOCKER_CONFIG: config }
  try {
    await checkCompose({ ...process.env, ...env })
    const version = await ask(['version', '--format', '{{.Server.Version}}'], {
      ...process.env,
      ...env,
    })
    return { version, env, close: daemon.close }
  } catch (error) {
    await daemon.close()
    throw error
  }
}

/** @param {string} cache */
async function fetchCompose(cache) {
  return await withProgress("Fetching Debian's compose", () => fetchComposeFromDebian(cache))
}

/**
 * @param {readonly string[]} args of docker
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string>} what it printed
 */
async function ask(args, env) {
  const finished = await run('docker', args, { env, timeoutMs: answerMs })
  if (finished.code !== 0) throw new SetupError(explainFailure(finished))
  return finished.stdout.trim()
}
