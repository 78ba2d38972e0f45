import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { engineEnvironment } from './engine-debian.mjs'
import { explainFailure, findProgram, run } from './process.mjs'
import { SetupError } from './setup-error.mjs'

const startLimitMs = 60_000

/**
 * @typedef {object} Daemon
 * @property {string} host for DOCKER_HOST
 * @property {string} path PATH with the engine's own client in front
 * @property {() => Promise<void>} close ends it, with every container, network and file it made
 */

/**
 * Runs an unpacked engine as a child of this process. Data, socket and pid file are in a directory
 * of its own; it makes no bridge, no firewall rule and no setting of the machine's network, so
 * published ports are served by its own proxy.
 * @param {string} folder as `fetchEngineFromDebian` returns it
 * @returns {Promise<Daemon>}
 */
export async function startEngine(folder) {
  const home = await mkdtemp(path.join(os.tmpdir(), 'ming-engine-'))
  const env = engineEnvironment(folder)
  const host = `unix://${home}/docker.sock`
  const stop = new AbortController()
  const [program, ...args] = endingWithUs([
    path.join(folder, 'usr/sbin/dockerd'),
    `--data-root=${home}/data`,
    `--exec-root=${home}/exec`,
    `--pidfile=${home}/pid`,
    `--host=${host}`,
    ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
  ])
  const ended = run(program ?? '', args, { env, stop: stop.signal })
  const client = path.join(folder, 'usr/bin/docker')
  const close = async () => {
    if (!stop.signal.aborted) await removeContainers(client, host, env)
    stop.abort()
    await ended
    await removeHome(home)
  }
  try {
    await untilAnswers(client, host, env, ended)
  } catch (error) {
    await close()
    throw error
  }
  return { host, path: env['PATH'] ?? '', close }
}

/**
 * Where util-linux has the means, the kernel ends the engine when this process dies of SIGKILL.
 * @param {string[]} command
 */
function endingWithUs(command) {
  const setpriv = findProgram('setpriv')
  return setpriv === null ? command : [setpriv, '--pdeathsig', 'TERM', ...command]
}

/**
 * @param {string} client
 * @param {string} host
 * @param {NodeJS.ProcessEnv} env
 * @param {Promise<import('./process.mjs').Finished>} ended
 */
async function untilAnswers(client, host, env, ended) {
  const limit = performance.now() + startLimitMs
  for (;;) {
    const options = { env, timeoutMs: 5000 }
    const answer = await run(client, ['--host', host, 'version'], options)
    if (answer.code === 0) return
    const end = await Promise.race([ended, delay(100, null)])
    if (end !== null) throw new SetupError(`dockerd ended: ${explainFailure(end)}`)
    if (performance.now() > limit) {
      throw new SetupError(`dockerd does not answer: ${explainFailure(answer)}`)
    }
  }
}

/**
 * The bridges of networks would outlive the engine.
 * @param {string} client
 * @param {string} host
 * @param {NodeJS.ProcessEnv} env
 */
async function removeContainers(client, host, env) {
  /** @param {string[]} args */
  const docker = (args) => run(client, ['--host', host, ...args], { env, timeoutMs: 60_000 })
  const containers = (await docker(['ps', '--all', '--quiet'])).stdout.split('\n').filter(Boolean)
  if (containers.length > 0) await docker(['rm', '--force', ...containers])
  await docker(['network', 'prune', '--force'])
}

/**
 * An engine that has ended may leave things mounted.
 * @param {string} home
 */
async function removeHome(home) {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const points = mounts
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${home}/`))
  for (const point of points.reverse()) await run('umount', ['--lazy', point])
  await rm(home, { recursive: true, force: true, maxRetries: 5 })
}
