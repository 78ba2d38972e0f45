import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './cache.mjs'
import { provideChromium } from './chromium.mjs'
import { provideDependencies } from './dependencies.mjs'
import { obeyProxySettings } from './download.mjs'
import { provideEtcd } from './etcd.mjs'
import { say } from './progress.mjs'
import { checkSettings } from './settings.mjs'
import { provideSite } from './site.mjs'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')

/** @typedef {'dependencies' | 'settings' | 'etcd' | 'site' | 'chromium'} Need */

/** @type {Readonly<Record<Need, () => Promise<void>>>} */
const providers = {
  dependencies: () => provideDependencies(root),
  settings: () => checkSettings(root),
  etcd: prepareEtcd,
  site: prepareSite,
  chromium: async () => {
    process.env['LAB_CHROMIUM'] = await provideChromium(root)
  },
}

/**
 * Gets what a task needs, in this order, and leaves LAB_ETCD_DIR, SITE_DIR and LAB_CHROMIUM
 * in the environment for the programs that the task runs.
 * @param {readonly Need[]} needs
 */
export async function prepare(needs) {
  for (const need of needs) await providers[need]()
}

async function prepareEtcd() {
  obeyProxySettings()
  const etcd = await provideEtcd({ cache: cacheFolder() })
  const fetched =
    etcd.source !== 'LAB_ETCD_DIR' && etcd.source !== 'PATH' && etcd.source !== 'cache'
  if (fetched) say(`etcd ${etcd.version} (${etcd.source}) is in ${etcd.dir}`)
  process.env['LAB_ETCD_DIR'] = etcd.dir
}

/** Who names a site wants that one served. */
async function prepareSite() {
  const folder = await provideSite(root)
  process.env['SITE_DIR'] ||= folder
}
