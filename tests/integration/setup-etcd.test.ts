import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { provideEtcd } from '../../setup/etcd.mjs'
import {
  buildArchive,
  refusedAddress,
  releaseAt,
  startStandIn,
  writeEtcd,
  writeProgram,
} from '../helpers/release-stand-in.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const realDir = process.env['LAB_ETCD_DIR'] ?? ''
/** Without any etcd, but with what the shell scripts of these tests need. */
const emptyPath = '/nonexistent'

async function unreachable() {
  return { release: releaseAt('3.6.14', '0'.repeat(64), await refusedAddress()), debianSuites: [] }
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return String(await promise.then(() => 'it succeeded').catch((error: unknown) => error))
}

test('the folder that LAB_ETCD_DIR names comes first', async () => {
  const cache = await temporaryFolder()
  const other = await writeEtcd(path.join(await temporaryFolder(), 'bin'), '3.7.9')
  const env = { LAB_ETCD_DIR: realDir, PATH: other }
  const etcd = await provideEtcd({ cache, env })
  expect(etcd).toMatchObject({ dir: realDir, source: 'LAB_ETCD_DIR' })
  expect(etcd.version).toMatch(/^3\.\d+\.\d+$/)
})

test('LAB_ETCD_DIR with an etcd that is too old is refused, not replaced', async () => {
  const folder = await writeEtcd(path.join(await temporaryFolder(), 'old'), '3.4.23')
  const env = { LAB_ETCD_DIR: folder, PATH: realDir }
  const message = await failure(provideEtcd({ cache: await temporaryFolder(), env }))
  expect(message).toContain(`LAB_ETCD_DIR=${folder} cannot be used: etcd 3.4.23 is older than 3.5`)
  expect(message).toContain('unset LAB_ETCD_DIR')
})

test('LAB_ETCD_DIR without etcdctl is refused', async () => {
  const folder = await temporaryFolder()
  await writeProgram(path.join(folder, 'etcd'), 'echo "etcd Version: 3.6.14"')
  const env = { LAB_ETCD_DIR: folder, PATH: emptyPath }
  const message = await failure(provideEtcd({ cache: await temporaryFolder(), env }))
  expect(message).toContain('no etcdctl in it')
})

test('LAB_ETCD_DIR with a program for another machine is refused with the reason', async () => {
  const folder = await writeEtcd(path.join(await temporaryFolder(), 'bin'), '3.6.14')
  await writeFile(path.join(folder, 'etcd'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 2, 3]))
  const env = { LAB_ETCD_DIR: folder, PATH: emptyPath }
  const message = await failure(provideEtcd({ cache: await temporaryFolder(), env }))
  expect(message).toContain('etcd does not run here')
})

test('an etcd on PATH that is new enough is used', async () => {
  const env = { PATH: `/nonexistent:${realDir}` }
  const etcd = await provideEtcd({ cache: await temporaryFolder(), env })
  expect(etcd).toMatchObject({ dir: realDir, source: 'PATH' })
})

test('an etcd on PATH that is too old is passed over for the one in the cache', async () => {
  const cache = await temporaryFolder()
  const old = await writeEtcd(path.join(await temporaryFolder(), 'bin'), '3.4.23')
  const kept = path.join(cache, 'etcd-kept')
  await mkdir(kept)
  for (const name of ['etcd', 'etcdctl']) {
    await copyFile(path.join(realDir, name), path.join(kept, name))
  }
  const etcd = await provideEtcd({ cache, env: { PATH: old } })
  expect(etcd).toMatchObject({ dir: kept, source: 'cache' })
})

test('of several in the cache the newest that runs is used', async () => {
  const cache = await temporaryFolder()
  await writeEtcd(path.join(cache, 'etcd-a'), '3.5.9')
  await writeEtcd(path.join(cache, 'etcd-b'), '3.5.30')
  const broken = await writeEtcd(path.join(cache, 'etcd-c'), '3.6.14')
  await writeProgram(path.join(broken, 'etcdctl'), 'exit 1')
  const etcd = await provideEtcd({ cache, env: { PATH: emptyPath } })
  expect(etcd).toMatchObject({ version: '3.5.30', source: 'cache' })
})

test.skipIf(process.platform !== 'linux')(
  'the official release is fetched once, then found in the cache',
  async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => response.end(bytes))
    const options = {
      cache,
      env: { PATH: emptyPath },
      release: releaseAt('3.6.14', sha256, host.url),
    }
    const first = await provideEtcd(options)
    const second = await provideEtcd(options)
    expect(first).toMatchObject({ version: '3.6.14', source: 'official release' })
    expect(second).toEqual({ ...first, source: 'cache' })
    expect(host.requests).toHaveLength(1)
  },
)

test('when every way fails, one message lists each, why it failed, and what to do', async () => {
  const cache = await temporaryFolder()
  const old = await writeEtcd(path.join(await temporaryFolder(), 'bin'), '3.4.23')
  const { release } = await unreachable()
  const options = { cache, env: { PATH: old }, release, debianSuites: ['no-such-suite'] }
  const message = await failure(provideEtcd(options))
  expect(message).toContain('- LAB_ETCD_DIR: not set')
  expect(message).toContain(`- PATH: ${old}: etcd 3.4.23 is older than 3.5`)
  expect(message).toContain(`- cache: nothing in ${cache}`)
  expect(message).toMatch(/- official release: .*(ECONNREFUSED|no archive with a known checksum)/)
  expect(message).toMatch(/- Debian package: \S+/)
  expect(message).toMatch(/What to do: .*LAB_ETCD_DIR/s)
  expect(await readdir(cache)).toEqual([])
})

test('what a killed run left in the cache is removed by the next one', async () => {
  const cache = await temporaryFolder()
  // No process has this number: it is above every system's limit.
  await mkdir(path.join(cache, '.new-99999999-aaaa'))
  await mkdir(path.join(cache, `.new-${process.pid}-bbbb`))
  const { release } = await unreachable()
  await failure(provideEtcd({ cache, env: { PATH: emptyPath }, release, debianSuites: [] }))
  expect(await readdir(cache)).toEqual([`.new-${process.pid}-bbbb`])
})
