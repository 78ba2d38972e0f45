import { cacheFolder } from '../cache.mjs'
import { provideEngine } from '../engine.mjs'
import { runVitest } from './vitest.mjs'

/**
 * The tests that need a Docker engine, with an engine around them.
 * @param {readonly string[]} filters
 * @returns {Promise<import('../suites.mjs').Tally>}
 */
export async function runContainers(filters) {
  const engine = await provideEngine({ cache: cacheFolder() })
  process.stdout.write(`Docker engine ${engine.version}\n`)
  try {
    return await runVitest('containers', filters, { ...process.env, ...engine.env })
  } finally {
    await engine.close()
  }
}
