import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { keepServerPackages, serverPackages } from './keep-server-packages.mjs'

const root = path.resolve(import.meta.dirname, '../..')

/** Packages that the sources of the server import, tests aside. */
function importedPackages(): string[] {
  const files = ['lab-server', 'protocol'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => readFileSync(path.join(root, folder, file), 'utf8')),
  )
  const names = files.flatMap((text) =>
    [...text.matchAll(/^(?:import|export|\}) .*?from '((?:@[^/']+\/)?[^./'][^/']*)/gm)].map(
      ([, name = '']) => name,
    ),
  )
  return [...new Set(names)].filter((name) => !name.startsWith('node:')).sort()
}

test('the image keeps every package that the server imports, and no other', () => {
  const kept = Object.keys(keepServerPackages(manifest).dependencies)
  expect(kept.sort()).toEqual(importedPackages())
})

test('what is kept is no development package any more, or npm would prune it', () => {
  const left = Object.keys(keepServerPackages(manifest).devDependencies)
  expect(left.filter((name) => serverPackages.includes(name))).toEqual([])
  expect(left).toContain('astro')
})

test('a package that is named but not there is refused', () => {
  expect(() => keepServerPackages({ dependencies: {}, devDependencies: {} })).toThrow(
    'devDependencies',
  )
})
