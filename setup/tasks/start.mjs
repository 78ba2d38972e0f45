import { parseArgs } from 'node:util'
import { hasWaitingParent } from '../parent.mjs'
import { prepare, root } from '../prepare.mjs'
import { SetupError, messageOf } from '../setup-error.mjs'

/**
 * `npm start`: set-up, then the lab server takes the place of this process. There is nobody left in
 * between to swallow a signal or to outlive the server.
 * @param {string[]} args
 * @returns {Promise<number>} never, when all goes well
 */
export default async function start(args) {
  Object.assign(process.env, settingsOf(args))
  await prepare(['dependencies', 'settings', 'etcd', 'site'])
  if (!process.execve) throw new SetupError('This system cannot replace a process; use WSL2.')
  const command = [process.execPath, 'lab-server/main.ts']
  process.chdir(root)
  return process.execve(process.execPath, command, environment())
}

/**
 * `--driver` and `--endpoints` are settings by another name; the server's own rules check them.
 * @param {string[]} args
 * @returns {Record<string, string>}
 */
function settingsOf(args) {
  const text = /** @type {const} */ ({ type: 'string' })
  try {
    const { values } = parseArgs({ args, options: { driver: text, endpoints: text } })
    return {
      ...(values.driver !== undefined && { LAB_DRIVER: values.driver }),
      ...(values.endpoints !== undefined && { LAB_ENDPOINTS: values.endpoints }),
    }
  } catch (error) {
    const usage = 'npm start -- [--driver process|compose] [--endpoints http://host:port,…]'
    throw new SetupError(`${messageOf(error)}\nUsage: ${usage}`, { cause: error })
  }
}

/** @returns {NodeJS.ProcessEnv} */
function environment() {
  const env = { ...process.env }
  delete env['LAB_SETUP_PARENT']
  if (hasWaitingParent()) env['LAB_EXIT_WITH_PARENT'] ??= '1'
  return env
}
