import { readFileSync, writeFileSync } from 'node:fs'

/**
 * What the lab server imports beside the `dependencies` of the installed package. For that package
 * they are development packages (decision 0011); for the image they are not.
 */
export const serverPackages = ['dockerode', 'express', 'ws']

/**
 * @typedef {{ dependencies: Record<string, string>, devDependencies: Record<string, string> }} Manifest
 */

/**
 * The same package.json with the server's packages in `dependencies`, so that
 * `npm prune --omit=dev` keeps them, in the versions of the lockfile.
 * @template {Manifest} T
 * @param {T} manifest
 * @returns {T}
 */
export function keepServerPackages(manifest) {
  const kept = serverPackages.map((name) => {
    const range = manifest.devDependencies[name]
    if (range === undefined) throw new Error(`${name} is not one of devDependencies`)
    return [name, range]
  })
  const others = Object.entries(manifest.devDependencies).filter(
    ([name]) => !serverPackages.includes(name),
  )
  return {
    ...manifest,
    dependencies: { ...manifest.dependencies, ...Object.fromEntries(kept) },
    devDependencies: Object.fromEntries(others),
  }
}

if (import.meta.main) {
  const manifest = /** @type {Manifest} */ (JSON.parse(readFileSync('package.json', 'utf8')))
  writeFileSync('package.json', `${JSON.stringify(keepServerPackages(manifest), null, 2)}\n`)
}
