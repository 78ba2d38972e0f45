import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The version of the package that this file belongs to, in the repository and where it is installed. */
export function readVersion(): string {
  const content: unknown = JSON.parse(readFileSync(findPackage(import.meta.dirname), 'utf8'))
  const found = typeof content === 'object' && content !== null && 'version' in content
  return found ? String(content.version) : 'unknown'
}

/** The built files lie one folder deeper than the sources. */
function findPackage(folder: string): string {
  const file = path.join(folder, 'package.json')
  const parent = path.dirname(folder)
  return existsSync(file) || parent === folder ? file : findPackage(parent)
}
