import { explainFailure, run } from './process.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Takes the named files out of a .tar.gz.
 * @param {string} archive
 * @param {string} folder
 * @param {readonly string[]} members
 */
export async function extract(archive, folder, members) {
  const finished = await run('tar', ['-xzf', archive, '-C', folder, ...members])
  if (finished.code !== 0) throw new SetupError(`tar: ${explainFailure(finished)}`)
}
