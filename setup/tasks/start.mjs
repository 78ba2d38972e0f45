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
  await prepare(['dependencies', 'settings', 'etcd', 'site'])
  if (!process.execve) throw new SetupError('This system cannot replace a process; use WSL2.')
  const command = [process.execPath, 'lab-server/main.ts', ...args]
  process.chdir(root)
  return process.execve(process.execPath, command, environment())
}

/** @returns {NodeJS.ProcessEnv} */
function environment() {
  const env = { ...process.env }
  delete env['LAB_SETUP_PARENT']
  if (hasWaitingParent()) env['LAB_EXIT_WITH_PARENT'] ??= '1'
  return env
}
