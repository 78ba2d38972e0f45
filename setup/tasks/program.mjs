import { prepare, root } from '../prepare.mjs'
import { run } from '../process.mjs'

/**
 * Set-up, then one program of the project in the foreground.
 * @param {readonly import('../prepare.mjs').Need[]} needs
 * @param {readonly string[]} args for Node: the program and its arguments
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code
 */
export async function runProgram(needs, args, env = process.env) {
  await prepare(needs)
  const finished = await run(process.execPath, args, { cwd: root, output: 'show', env })
  return finished.code ?? 1
}
