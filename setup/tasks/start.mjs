import { hasWaitingParent } from '../parent.mjs'
import { prepare, root } from '../prepare.mjs'
import { SetupError } from '../setup-error.mjs'

/**
 * `npm start`: set-up, then the lab server takes the place of this process. There is nobody left in
 * between to swallow a signal or to outlive the server.
 * @param {string[]} args
 * @returns {Promise<number>} never, when all goes well
 */
export default async function start(args) {
  await prepare(['dependencies', 'etcd', 'site'])
  const { execve } = process
  if (execve === undefined) throw new SetupError('This system cannot replace a process; use WSL2.')
  process.chdir(root)
  return execve(process.execPath, [process.execPath, 'lab-server/main.ts', ...args], environment())
}

/** @returns {NodeJS.ProcessEnv} */
function environment() {
  const env = { ...process.env }
  delete env['LAB_SETUP_PARENT']
  if (hasWaitingParent()) env['LAB_EXIT_WITH_PARENT'] ??= '1'
  return env
}
