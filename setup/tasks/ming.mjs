import path from 'node:path'
import { prepare, root } from '../prepare.mjs'
import { SetupError } from '../setup-error.mjs'

/**
 * `npm run ming -- <command> …`: the command line tool takes the place of this process, so its exit
 * code and its signals are its own. Files are named from where the caller stands.
 * @param {string[]} args
 * @returns {Promise<number>} never, when all goes well
 */
export default async function ming(args) {
  await prepare(['dependencies'])
  if (!process.execve) throw new SetupError('This system cannot replace a process; use WSL2.')
  const command = [process.execPath, path.join(root, 'lab-server/cli.ts'), ...args]
  process.chdir(process.env['INIT_CWD'] ?? root)
  const env = { ...process.env }
  delete env['LAB_SETUP_PARENT']
  return process.execve(process.execPath, command, env)
}
