import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { fetchEtcdArchive } from '../../setup/etcd-archive.mjs'
import { inspectEtcd } from '../../setup/etcd-binaries.mjs'
import {
  buildArchive,
  refusedAddress,
  releaseAt,
  startStandIn,
} from '../helpers/release-stand-in.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

// Only Linux archives have pinned sums.
describe.skipIf(process.platform !== 'linux')('the official release archive', () => {
  test('with the right sum goes into the cache, whole', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => response.end(bytes))
    const dir = await fetchEtcdArchive({ cache, release: releaseAt('3.6.14', sha256, host.url) })
    expect(await inspectEtcd(dir)).toBe('3.6.14')
    expect(await readdir(cache)).toEqual([path.basename(dir)])
    expect(await readdir(dir)).toEqual(['etcd', 'etcdctl'])
    expect(host.requests).toEqual([expect.stringMatching(/^\/etcd-v3\.6\.14-linux-\w+\.tar\.gz$/)])
  })

  test('with a wrong sum is refused and leaves nothing', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => response.end(bytes))
    const wrong = '0'.repeat(64)
    const fetching = fetchEtcdArchive({ cache, release: releaseAt('3.6.14', wrong, host.url) })
    await expect(fetching).rejects.toThrow(`SHA-256 is ${sha256}, not ${wrong}`)
    expect(await readdir(cache)).toEqual([])
  })

  test('is taken from the mirror when the first host does not have it', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const empty = await startStandIn((_, response) => response.writeHead(404).end())
    const mirror = await startStandIn((_, response) => response.end(bytes))
    const release = releaseAt('3.6.14', sha256, empty.url, mirror.url)
    expect(await inspectEtcd(await fetchEtcdArchive({ cache, release }))).toBe('3.6.14')
    expect(empty.requests).toHaveLength(1)
  })

  test('names every host and what it answered when none has it', async () => {
    const cache = await temporaryFolder()
    const empty = await startStandIn((_, response) => response.writeHead(404).end())
    const refused = await refusedAddress()
    const release = releaseAt('3.6.14', '0'.repeat(64), empty.url, refused)
    const start = performance.now()
    const problem = await fetchEtcdArchive({ cache, release }).catch((error: unknown) => error)
    expect(String(problem)).toContain(`${empty.url}/etcd-v3.6.14-linux-`)
    expect(String(problem)).toContain('HTTP 404')
    expect(String(problem)).toMatch(new RegExp(`${refused}/.*ECONNREFUSED`))
    expect(performance.now() - start).toBeLessThan(5000)
    expect(await readdir(cache)).toEqual([])
  })

  test('is given up when the host accepts the connection and says nothing', async () => {
    const cache = await temporaryFolder()
    const host = await startStandIn(() => undefined)
    const release = releaseAt('3.6.14', '0'.repeat(64), host.url)
    const fetching = fetchEtcdArchive({ cache, release, limits: { answerMs: 200 } })
    await expect(fetching).rejects.toThrow('no answer for 0.2 s')
  })

  test('is given up when the download stalls half way, and leaves nothing', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100))
    })
    const release = releaseAt('3.6.14', sha256, host.url)
    const fetching = fetchEtcdArchive({ cache, release, limits: { silenceMs: 200 } })
    await expect(fetching).rejects.toThrow('the download stalled for 0.2 s')
    expect(await readdir(cache)).toEqual([])
  })

  test('is refused when the connection breaks half way', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100), () => response.destroy())
    })
    const release = releaseAt('3.6.14', sha256, host.url)
    await expect(fetchEtcdArchive({ cache, release })).rejects.toThrow(host.url)
    expect(await readdir(cache)).toEqual([])
  })

  test('fetched by several runs at once leaves one whole entry', async () => {
    const cache = await temporaryFolder()
    const { bytes, sha256 } = await buildArchive('3.6.14')
    const host = await startStandIn((_, response) => response.end(bytes))
    const release = releaseAt('3.6.14', sha256, host.url)
    const dirs = await Promise.all([1, 2, 3, 4].map(() => fetchEtcdArchive({ cache, release })))
    expect(new Set(dirs).size).toBe(1)
    expect(await inspectEtcd(dirs[0]!)).toBe('3.6.14')
    expect(await readdir(cache)).toEqual([path.basename(dirs[0]!)])
  })

  test('is not looked for where no sum is known', async () => {
    const cache = await temporaryFolder()
    const fetching = fetchEtcdArchive({ cache, platform: 'darwin', arch: 'arm64' })
    await expect(fetching).rejects.toThrow('no archive with a known checksum for darwin arm64')
  })
})
