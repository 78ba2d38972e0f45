import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { addToCache } from './cache.mjs'
import { inspectEtcd } from './etcd-binaries.mjs'
import { createPrivateApt, fromFirstSuite, unpackPackages } from './private-apt.mjs'

/** Newest first. The packages need little of the system, so they run on older releases too. */
const suites = ['sid', 'testing', 'trixie']

/**
 * Fetches Debian's newest etcd from the machine's own mirror and unpacks it into the cache. Works
 * without root and changes nothing of the system.
 * @param {{ cache: string, suites?: readonly string[] }} options
 * @returns {Promise<string>} the folder that holds etcd and etcdctl
 */
export async function fetchEtcdFromDebian(options) {
  return await fromFirstSuite(options.suites ?? suites, (source) =>
    fetchSuite(options.cache, source),
  )
}

/**
 * @param {string} cache
 * @param {import('./private-apt.mjs').Source} source
 */
async function fetchSuite(cache, source) {
  const name = `etcd-debian-${source.suite}-${process.platform}-${process.arch}`
  return await addToCache(cache, name, 'etcd', async (folder) => {
    const work = path.join(folder, 'apt')
    const apt = await createPrivateApt(work, source)
    await apt(['download', 'etcd-server', 'etcd-client'], 'downloading the packages')
    const tree = path.join(work, 'tree')
    await unpackPackages(work, tree)
    for (const program of ['etcd', 'etcdctl']) {
      await rename(path.join(tree, 'usr/bin', program), path.join(folder, program))
    }
    await rm(work, { recursive: true })
    await inspectEtcd(folder)
  })
}
