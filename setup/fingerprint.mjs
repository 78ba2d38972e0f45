import { createHash } from 'node:crypto'
import { readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

/**
 * One sum over the names and contents of files, of all files below folders, and of further words.
 * What does not exist counts as such.
 * @param {string} root
 * @param {readonly string[]} entries relative to `root`
 * @param {readonly string[]} [words]
 * @returns {Promise<string>} hexadecimal
 */
export async function fingerprint(root, entries, words = []) {
  const hash = createHash('sha256')
  hash.update(JSON.stringify(words))
  for (const entry of entries) {
    for (const file of await listFiles(root, entry)) {
      const content = await readFile(path.join(root, file))
      hash.update(`\0${file}\0${String(content.length)}\0`).update(content)
    }
  }
  return hash.digest('hex')
}

/**
 * @param {string} root
 * @param {string} entry
 * @returns {Promise<string[]>} sorted, relative to `root`
 */
async function listFiles(root, entry) {
  const facts = await stat(path.join(root, entry)).catch(() => null)
  if (facts === null) return []
  if (facts.isFile()) return [entry]
  const found = await readdir(path.join(root, entry), { recursive: true, withFileTypes: true })
  return found
    .filter((item) => item.isFile())
    .map((item) => path.relative(root, path.join(item.parentPath, item.name)))
    .sort()
}

/**
 * A stamp is a file that says for which fingerprint the work beside it was done.
 * @param {string} file
 * @returns {Promise<string | null>}
 */
export async function readStamp(file) {
  return await readFile(file, 'utf8').catch(() => null)
}

/**
 * Whole or not at all.
 * @param {string} file
 * @param {string} stamp
 */
export async function writeStamp(file, stamp) {
  const aside = `${file}.${String(process.pid)}`
  await writeFile(aside, stamp)
  await rename(aside, file)
}
