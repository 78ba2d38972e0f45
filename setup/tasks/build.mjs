import { rm } from 'node:fs/promises'
import path from 'node:path'
import { prepare, root } from '../prepare.mjs'
import { run } from '../process.mjs'
import { SetupError } from '../setup-error.mjs'

/**
 * Writes build/: what the package holds, as JavaScript with types, since Node runs no TypeScript
 * inside node_modules. `npm pack` does it first.
 * @returns {Promise<number>}
 */
export default async function build() {
  await prepare(['dependencies'])
  await rm(path.join(root, 'build'), { recursive: true, force: true })
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', 'lab-server/tsconfig.package.json']
  const finished = await run(process.execPath, args, { cwd: root })
  if (finished.code !== 0) throw new SetupError(`The package was not built:\n${finished.stdout}`)
  return 0
}
