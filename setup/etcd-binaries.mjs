import path from 'node:path'
import { explainFailure, isProgram, run } from './process.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

export const oldestEtcd = '3.5'

/**
 * Version of the etcd and etcdctl in `folder`. Rejects, in words that complete "this folder: …",
 * when one of them is missing, does not run here, or is older than 3.5.
 * @param {string} folder
 * @returns {Promise<string>} of etcd, such as 3.6.14
 */
export async function inspectEtcd(folder) {
  const version = await readVersion(path.join(folder, 'etcd'), ['--version'])
  const control = await readVersion(path.join(folder, 'etcdctl'), ['version'])
  if (isTooOld(version)) throw new SetupError(`etcd ${version} is older than ${oldestEtcd}`)
  if (isTooOld(control)) throw new SetupError(`etcdctl ${control} is older than ${oldestEtcd}`)
  return version
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
async function readVersion(program, args) {
  const name = path.basename(program)
  if (!isProgram(program)) throw new SetupError(`no ${name} in it`)
  try {
    const finished = await run(program, args, { timeoutMs: 10_000 })
    const found = /version:\s*v?(\d+\.\d+\.\d+)/i.exec(finished.stdout)?.[1]
    if (finished.code === 0 && found !== undefined) return found
    throw new SetupError(explainFailure(finished))
  } catch (error) {
    throw new SetupError(`${name} does not run here: ${messageOf(error)}`, { cause: error })
  }
}

/** @param {string} version */
function isTooOld(version) {
  return compareVersions(version, oldestEtcd) < 0
}

/**
 * @param {string} a
 * @param {string} b
 * @returns {number} negative when `a` is older
 */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  const differences = [0, 1, 2].map((index) => (left?.[index] ?? 0) - (right?.[index] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}
