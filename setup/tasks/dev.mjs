import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { prepare, root } from '../prepare.mjs'
import { say } from '../progress.mjs'
import { SetupError } from '../setup-error.mjs'
import { astroEnvironment } from '../site.mjs'

const host = '127.0.0.1'
const sitePorts = 4321
const serverPorts = 4379

/**
 * `npm run dev`: Astro's development server in front, the lab server behind it; both restart or
 * reload by themselves when a file changes. PORT is that of the site, the address to open. Ends when
 * one of them ends.
 * @param {string[]} args for `astro dev`
 * @returns {Promise<number>}
 */
export default async function dev(args) {
  await prepare(['dependencies', 'settings', 'etcd'])
  const wanted = Number(process.env['PORT'] ?? 0)
  if (wanted !== 0 && !(await isFree(wanted))) {
    throw new SetupError(`Port ${String(wanted)} of ${host} is taken; choose another PORT.`)
  }
  const sitePort = String(wanted === 0 ? await findFreePort(sitePorts) : wanted)
  const serverPort = String(await findFreePort(serverPorts, wanted))
  const site = `http://${host}:${sitePort}`
  const page = new URL(process.env['BASE_PATH'] ?? '/', site).href
  void announce(page)
  return await runTogether([
    {
      name: 'lab server',
      args: ['--watch', '--watch-preserve-output', 'lab-server/main.ts'],
      env: {
        HOST: host,
        PORT: serverPort,
        ALLOWED_ORIGINS: `${site},http://localhost:${sitePort}`,
        LAB_EXIT_WITH_PARENT: '1',
      },
    },
    {
      args: [
        path.join(root, 'node_modules/astro/bin/astro.mjs'),
        ...['dev', '--host', host, '--port', sitePort, ...args],
      ],
      env: { ...astroEnvironment(), LAB_DEV_TARGET: `http://${host}:${serverPort}` },
    },
  ])
}

/**
 * Says once, when it can be opened, which address is the one to open: both programs print one.
 * @param {string} page
 */
async function announce(page) {
  while (!(await answers(page))) await delay(200, undefined, { ref: false })
  say(`Open ${page} (reloads by itself; the lab server is behind it)`)
}

/**
 * @param {string} page
 * @returns {Promise<boolean>}
 */
function answers(page) {
  return fetch(page).then(
    (response) => response.ok,
    () => false,
  )
}

/**
 * @param {number} first
 * @param {number} [taken] a port that is spoken for
 * @returns {Promise<number>} the first free port from there on
 */
async function findFreePort(first, taken) {
  for (let port = first; port < first + 100; port += 1) {
    if (port !== taken && (await isFree(port))) return port
  }
  throw new Error(`No free port from ${String(first)} to ${String(first + 99)}`)
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/**
 * @param {readonly { name?: string, args: string[], env: NodeJS.ProcessEnv }[]} programs what the
 *   named ones print is marked with their name
 * @returns {Promise<number>} exit code of the first that ended
 */
async function runTogether(programs) {
  const children = programs.map(({ name, args, env }) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['inherit', name === undefined ? 'inherit' : 'pipe', 'inherit'],
    })
    if (child.stdout) {
      const lines = createInterface({ input: child.stdout })
      lines.on('line', (line) => process.stdout.write(`[${String(name)}] ${line}\n`))
    }
    return child
  })
  const stop = () => children.forEach((child) => child.kill('SIGTERM'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal)
    process.on(signal, stop)
  }
  const ends = children.map(waitForEnd)
  const first = await Promise.race(ends)
  stop()
  await Promise.all(ends)
  return first
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
function waitForEnd(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 0))
  })
}
