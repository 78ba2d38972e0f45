import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')

/** Builds the site for another base path into a directory of its own. */
export async function buildSiteAt(
  basePath: string,
): Promise<{ readonly dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'lab-site-'))
  const manifest = createRequire(import.meta.url).resolve('astro/package.json')
  const astro = path.join(path.dirname(manifest), 'bin', 'astro.mjs')
  await run(process.execPath, [astro, 'build', '--outDir', dir], {
    cwd: root,
    env: { ...process.env, BASE_PATH: basePath, ASTRO_TELEMETRY_DISABLED: '1' },
    maxBuffer: 64 * 1024 * 1024,
  })
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
