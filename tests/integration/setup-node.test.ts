import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideNode } from '../../setup/node.mjs'
import { runScript } from '../helpers/npm-script.ts'
import { refusedAddress } from '../helpers/release-stand-in.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const run = promisify(execFile)

async function failure(promise: Promise<unknown>): Promise<string> {
  return String(await promise.then(() => 'it succeeded').catch((error: unknown) => error))
}

/** A real Node 20, as Debian 12 machines have it. */
async function fetchOldNode(folder: string): Promise<string> {
  await run('npm', ['pack', `node-linux-${process.arch}@20`, '--ignore-scripts'], { cwd: folder })
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  await run('tar', ['-xzf', archive ?? '', 'package/bin/node'], { cwd: folder })
  return path.join(folder, 'package/bin/node')
}

// For other systems the registry has no Node of this version.
describe.skipIf(process.platform !== 'linux')('a newer Node', () => {
  let folder: string
  let oldNode: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lab-old-node-'))
    oldNode = await fetchOldNode(folder)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is fetched from the npm registry once, and runs', async () => {
    const cache = await temporaryFolder()
    const program = await provideNode({ cache, nodeVersion: 'v20.20.2' })
    expect((await run(program, ['--version'])).stdout.trim()).toBe('v24.21.0')
    const first = await stat(program)
    expect(await provideNode({ cache, nodeVersion: 'v20.20.2' })).toBe(program)
    expect((await stat(program)).ino).toBe(first.ino)
    expect(await readdir(cache)).toEqual([path.basename(path.resolve(program, '../..'))])
  })

  test('is used for the whole task when the one at hand is too old, and said in one line', async () => {
    const env = { LAB_CACHE_DIR: await temporaryFolder(), LAB_ETCD_DIR: '/nonexistent' }
    const first = runScript(oldNode, ['setup/main.mjs', 'start'], env)
    // The task runs, with the newer Node, up to the setting that leads nowhere.
    expect(await first.exited()).toEqual({ code: 1, signal: null })
    expect(first.stderr()).toMatch(/^\[set-up\] Node v20\.\S+ is too old; fetching Node 24\.21\.0/)
    expect(first.stderr()).toContain('LAB_ETCD_DIR: "/nonexistent"')
    const second = runScript(oldNode, ['setup/main.mjs', 'start'], env)
    expect(await second.exited()).toEqual({ code: 1, signal: null })
    expect(second.stderr()).toMatch(/^\[set-up\] One setting is wrong:\n\s+LAB_ETCD_DIR/)
  })

  test('that cannot be fetched is asked of the reader, with the reason', async () => {
    const cache = await temporaryFolder()
    const start = performance.now()
    const setup = runScript(oldNode, ['setup/main.mjs', 'start'], {
      LAB_CACHE_DIR: cache,
      HOME: await temporaryFolder(),
      npm_config_registry: await refusedAddress(),
    })
    expect(await setup.exited()).toEqual({ code: 1, signal: null })
    expect(setup.stderr()).toMatch(/a newer one could not be fetched: .*ECONNREFUSED/s)
    expect(setup.stderr()).toContain('Install Node 24.16 or newer')
    expect(performance.now() - start).toBeLessThan(30_000)
    expect(await readdir(cache)).toEqual([])
  })
})

test('where none is offered, the message says which to install', async () => {
  const cache = await temporaryFolder()
  const options = { cache, platform: 'sunos', arch: 'sparc', nodeVersion: 'v20.20.2' }
  expect(await failure(provideNode(options))).toContain(
    'Node v20.20.2 is too old, and for sunos sparc a newer one is not fetched. Install Node 24.16',
  )
})
