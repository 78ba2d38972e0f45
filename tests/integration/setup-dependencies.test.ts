import { mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { provideDependencies } from '../../setup/dependencies.mjs'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

/** A project with one package beside it, which needs no registry. */
async function createProject(version = '1.0.0'): Promise<string> {
  const root = await temporaryFolder()
  await mkdir(path.join(root, 'dep'))
  await writeJson(path.join(root, 'dep/package.json'), { name: 'dep', version })
  await writeJson(path.join(root, 'package.json'), project)
  await lock(root, version)
  return root
}

const project = { name: 'project', version: '1.0.0', dependencies: { dep: 'file:dep' } }

function lock(root: string, version: string): Promise<void> {
  return writeJson(path.join(root, 'package-lock.json'), {
    ...project,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': project,
      dep: { version },
      'node_modules/dep': { resolved: 'dep', link: true },
    },
  })
}

const writeJson = (file: string, value: unknown) => writeFile(file, JSON.stringify(value))

/** `npm ci` empties node_modules, so a file put there tells whether it ran. */
const markerOf = (root: string) => path.join(root, 'node_modules/marker')

async function hasMarker(root: string): Promise<boolean> {
  return (await readdir(path.join(root, 'node_modules'))).includes('marker')
}

test('the packages of the lockfile are installed, once', async () => {
  const root = await createProject()
  await provideDependencies(root)
  expect(await readdir(path.join(root, 'node_modules'))).toContain('dep')
  await writeFile(markerOf(root), '')
  await provideDependencies(root)
  expect(await hasMarker(root)).toBe(true)
})

test('a changed lockfile is installed again', async () => {
  const root = await createProject('1.0.0')
  await provideDependencies(root)
  await writeFile(markerOf(root), '')
  await writeJson(path.join(root, 'dep/package.json'), { name: 'dep', version: '2.0.0' })
  await lock(root, '2.0.0')
  await provideDependencies(root)
  expect(await hasMarker(root)).toBe(false)
})

test('what npm itself has installed from the same lockfile is accepted', async () => {
  const root = await createProject()
  await provideDependencies(root)
  await rm(path.join(root, 'node_modules/.ming-registry-lab'))
  await writeFile(markerOf(root), '')
  await provideDependencies(root)
  expect(await hasMarker(root)).toBe(true)
})

test('a folder that npm did not finish is installed again', async () => {
  const root = await createProject()
  await mkdir(path.join(root, 'node_modules'))
  await writeFile(markerOf(root), '')
  await provideDependencies(root)
  expect(await hasMarker(root)).toBe(false)
})

test('two runs at once wait for each other', async () => {
  const root = await createProject()
  await Promise.all([provideDependencies(root), provideDependencies(root)])
  expect(await readdir(path.join(root, '.cache'))).toEqual([])
  expect(await readdir(path.join(root, 'node_modules'))).toContain('dep')
})

test('the lock of a run that was killed is taken over', async () => {
  const root = await createProject()
  await mkdir(path.join(root, '.cache'))
  // No process has this number: it is above every system's limit.
  await writeFile(path.join(root, '.cache/install.lock'), '99999999')
  await provideDependencies(root)
  expect(await readdir(path.join(root, '.cache'))).toEqual([])
})

test('the lock of a dead run is taken over although its number belongs to a process again', async () => {
  const root = await createProject()
  await mkdir(path.join(root, '.cache'))
  const lockFile = path.join(root, '.cache/install.lock')
  await writeFile(lockFile, String(process.ppid))
  const longAgo = new Date(Date.now() - 120_000)
  await utimes(lockFile, longAgo, longAgo)
  await provideDependencies(root)
  expect(await readdir(path.join(root, '.cache'))).toEqual([])
})

test('a failure shows what npm says and leaves no stamp', async () => {
  const root = await createProject()
  const file = path.join(root, 'package.json')
  const content = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
  await mkdir(path.join(root, 'other'))
  await writeJson(path.join(root, 'other/package.json'), { name: 'other', version: '1.0.0' })
  await writeJson(file, { ...content, dependencies: { dep: 'file:dep', other: 'file:other' } })
  await expect(provideDependencies(root)).rejects.toThrow(/npm ci.*in sync.*Check that npm/s)
  await expect(readFile(path.join(root, 'node_modules/.ming-registry-lab'))).rejects.toThrow()
})
