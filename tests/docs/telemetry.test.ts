import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { instruments } from '../../lab-server/telemetry/instruments.ts'
import { startPlainEtcd, type PlainEtcd } from '../helpers/plain-etcd.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { pages } from './pages.ts'
import { telemetryTable } from './telemetry-table.ts'

const root = path.resolve(import.meta.dirname, '../..')

let etcd: PlainEtcd

beforeAll(async () => {
  etcd = await startPlainEtcd()
})
afterAll(async () => {
  await etcd.close()
})

test('the table of the page is the one that the instruments are made from', () => {
  // `node tests/docs/write-telemetry.ts` writes it anew.
  expect(readFileSync(path.join(root, 'content/data/telemetry.json'), 'utf8')).toBe(
    telemetryTable(),
  )
})

test('every row is described in both languages, and no name stands for two', () => {
  const rows = Object.values(instruments)
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  for (const { description } of rows) {
    expect(description.en).toMatch(/^[^\p{Script=Han}]+$/u)
    expect(description['zh-CN']).toMatch(/\p{Script=Han}/u)
  }
})

test('every metric that the page tells to look at is in the table', () => {
  const known: readonly string[] = Object.values(instruments).map(({ name }) => name)
  for (const { file, body } of pages.filter(({ slug }) => slug === 'registry/telemetry')) {
    const named = [...body.matchAll(/`(ming\.[\w.]+\w)`/g)].map(([, name]) => name)
    expect(named.length, file).toBeGreaterThan(5)
    expect(named.filter((name) => !known.includes(name ?? ''))).toEqual([])
  }
})

test('the program of the page prints spans and metrics', async () => {
  const page = pages.find(
    ({ slug, language }) => slug === 'registry/telemetry' && language === 'en',
  )
  const program = /```js\n([\s\S]*?)```/.exec(page?.body ?? '')?.[1] ?? ''
  const folder = await temporaryFolder()
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  const library = pathToFileURL(path.join(root, 'lab-server/open-registry.ts')).href
  const file = path.join(folder, 'program.mjs')
  await writeFile(file, program.replace("'ming-registry-lab/registry'", `'${library}'`))
  const env = { MING_REGISTRY_ENDPOINTS: etcd.endpoints.join(',') }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { env })
  expect(stderr).toBe('')
  for (const row of [
    instruments.follow,
    instruments.operationDuration,
    instruments.callDuration,
    instruments.viewAge,
    instruments.attempt,
  ])
    expect(stdout).toContain(row.name)
  expect(stdout).toContain('etcdserverpb.KV/Range')
})
