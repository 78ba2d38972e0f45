import { cacheFolder } from '../cache.mjs'
import { provideEngine, wantsEngine } from '../engine.mjs'
import { runProgram } from './program.mjs'

/**
 * `npm run bench [name …] [--json FILE]`. Those that need Docker use the engine that answers, or
 * one of their own with LAB_ENGINE=install.
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export default async function bench(args) {
  /** @param {NodeJS.ProcessEnv} [env] */
  const run = (env) =>
    runProgram(['dependencies', 'etcd', 'site', 'chromium'], ['tests/bench/main.ts', ...args], env)
  if (!wantsEngine(process.env)) return run()
  const engine = await provideEngine({ cache: cacheFolder() })
  try {
    return await run({ ...process.env, ...engine.env })
  } finally {
    await engine.close()
  }
}
