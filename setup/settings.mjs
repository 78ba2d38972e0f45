import { run } from './process.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Has the lab server's own rules check the environment, before anything is built with it. Needs the
 * packages; LAB_ETCD_DIR and SITE_DIR may still be missing.
 * @param {string} root the project
 */
export async function checkSettings(root) {
  const finished = await run(process.execPath, ['lab-server/check-settings.ts'], { cwd: root })
  if (finished.code !== 0) throw new SetupError(finished.stderr.trim())
}
