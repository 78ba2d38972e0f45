import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { isAlive } from './process.mjs'
import { SetupError, messageOf } from './setup-error.mjs'

/**
 * Where Node and etcd are kept between clones and runs.
 * @param {NodeJS.ProcessEnv} [env]
 */
export function cacheFolder(env = process.env) {
  if (env['LAB_CACHE_DIR']) return path.resolve(env['LAB_CACHE_DIR'])
  const base = env['XDG_CACHE_HOME'] || path.join(homeFolder(), '.cache')
  return path.join(base, 'ming-registry-lab')
}

function homeFolder() {
  try {
    return os.homedir()
  } catch (error) {
    throw new SetupError('No home directory to keep downloads in; set LAB_CACHE_DIR.', {
      cause: error,
    })
  }
}

/**
 * Puts a finished folder into the cache under `name`. `fill` works in a private folder beside it,
 * which is renamed into place only when `fill` succeeded: no other run ever sees half of it, and
 * of two runs that do the same work the first one wins.
 * @param {string} cache
 * @param {string} name
 * @param {string} proof a file that a whole entry has; without it an old entry is replaced
 * @param {(folder: string) => Promise<void>} fill
 * @returns {Promise<string>} the folder in the cache
 */
export async function addToCache(cache, name, proof, fill) {
  const target = path.join(cache, name)
  await createFolder(cache)
  await removeAbandoned(cache)
  const working = path.join(cache, `.new-${String(process.pid)}-${randomBytes(4).toString('hex')}`)
  await mkdir(working)
  try {
    await fill(working)
    await moveIntoPlace(working, target, proof)
  } finally {
    await rm(working, { recursive: true, force: true })
  }
  return target
}

/** @param {string} cache */
async function createFolder(cache) {
  try {
    await mkdir(cache, { recursive: true })
  } catch (error) {
    throw new SetupError(
      `Cannot create the cache folder ${cache} (${messageOf(error)}); set LAB_CACHE_DIR to one that is writable.`,
      { cause: error },
    )
  }
}

/**
 * @param {string} working
 * @param {string} target
 * @param {string} proof
 */
async function moveIntoPlace(working, target, proof) {
  // Another run put the same thing there first.
  if (existsSync(path.join(target, proof))) return
  await rm(target, { recursive: true, force: true })
  try {
    await rename(working, target)
  } catch (error) {
    if (!existsSync(path.join(target, proof))) throw error
  }
}

/**
 * Working folders of runs that were killed.
 * @param {string} cache
 */
async function removeAbandoned(cache) {
  for (const name of await readdir(cache)) {
    const pid = /^\.new-(\d+)-/.exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    await rm(path.join(cache, name), { recursive: true, force: true })
  }
}
