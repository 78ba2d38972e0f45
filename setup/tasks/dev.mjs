import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { prepare, root } from '../prepare.mjs'
import { say } from '../progress.mjs'
import { astroEnvironment } from '../site.mjs'

const host = '127.0.0.1'
const sitePorts = 4321
const serverPorts = 4379

/**
 * `npm run dev`: Astro's development server in front, the lab server behind it; both restart or
 * reload by themselves when a file changes. Ends when one of them ends.
 * @param {string[]} args for `astro dev`
 * @returns {Promise<number>}
 */
export default async function dev(args) {
  await prepare(['dependencies', 'etcd'])
  const serverPort = process.env['PORT'] ?? String(await findFreePort(serverPorts))
  const sitePort = String(await findFreePort(sitePorts))
  const site = `http://${host}:${sitePort}`
  say(`Site ${site}, lab server behind it on port ${serverPort}`)
  return await runTogether([
    {
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
 * @param {number} first
 * @returns {Promise<number>} the first free port from there on
 */
async function findFreePort(first) {
  for (let port = first; port < first + 100; port += 1) {
    if (await isFree(port)) return port
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
 * @param {readonly { args: string[], env: NodeJS.ProcessEnv }[]} programs
 * @returns {Promise<number>} exit code of the first that ended
 */
async function runTogether(programs) {
  const children = programs.map(({ args, env }) =>
    spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    }),
  )
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
