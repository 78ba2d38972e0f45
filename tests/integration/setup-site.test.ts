import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { provideSite } from '../../setup/site.mjs'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const modules = path.resolve(import.meta.dirname, '../../node_modules')
const page = (text: string) => `<html lang="en"><body><p>${text}</p></body></html>\n`

/** A site of one page, built by the real Astro. */
async function createSite(): Promise<string> {
  const root = await temporaryFolder()
  await mkdir(path.join(root, 'pages'))
  await mkdir(path.join(root, 'node_modules'))
  await symlink(path.join(modules, 'astro'), path.join(root, 'node_modules/astro'))
  const config = "export default { srcDir: '.', base: process.env.BASE_PATH ?? '/' }\n"
  await writeFile(path.join(root, 'astro.config.mjs'), config)
  await writeFile(path.join(root, 'package.json'), '{ "type": "module" }')
  await writePage(root, page('first'))
  return root
}

const writePage = (root: string, text: string) =>
  writeFile(path.join(root, 'pages/index.astro'), text)
const readPage = (root: string) => readFile(path.join(root, 'dist/index.html'), 'utf8')
const builtAt = async (root: string) => (await stat(path.join(root, 'dist/index.html'))).mtimeMs

test('a site is built once, and again when its content has changed', async () => {
  const root = await createSite()
  await provideSite(root)
  expect(await readPage(root)).toContain('first')
  const first = await builtAt(root)
  await provideSite(root)
  expect(await builtAt(root)).toBe(first)
  await writePage(root, page('second'))
  await provideSite(root)
  expect(await readPage(root)).toContain('second')
})

test('a site for another base path is built beside the first, which stays as it is', async () => {
  const root = await createSite()
  expect(await provideSite(root)).toBe(path.join(root, 'dist'))
  const first = await builtAt(root)
  const before = process.env['BASE_PATH']
  onTestFinished(() => {
    if (before === undefined) delete process.env['BASE_PATH']
    else process.env['BASE_PATH'] = before
  })
  process.env['BASE_PATH'] = '/lab/'
  const lab = await provideSite(root)
  process.env['BASE_PATH'] = '/other/'
  const other = await provideSite(root)
  expect(new Set([path.join(root, 'dist'), lab, other]).size).toBe(3)
  expect(await readFile(path.join(lab, 'index.html'), 'utf8')).toContain('first')
  expect(await readFile(path.join(other, 'index.html'), 'utf8')).toContain('first')
  expect(await builtAt(root)).toBe(first)
})

test('a build that fails says why and leaves the site before it in place', async () => {
  const root = await createSite()
  await provideSite(root)
  await writePage(root, '---\nthrow new Error("broken on purpose")\n---\n')
  await expect(provideSite(root)).rejects.toThrow('broken on purpose')
  expect(await readPage(root)).toContain('first')
})

test('a site whose folder was removed is built again', async () => {
  const root = await createSite()
  await provideSite(root)
  await rm(path.join(root, 'dist'), { recursive: true })
  await provideSite(root)
  expect(await readPage(root)).toContain('first')
})
