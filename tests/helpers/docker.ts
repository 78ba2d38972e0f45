import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')

/** Runs the Docker client with the engine of the environment; standard output without its end. */
export async function docker(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<string> {
  const { stdout } = await run('docker', args, {
    cwd: root,
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 60_000,
    maxBuffer: 16 * 1024 * 1024,
  })
  return stdout.trimEnd()
}

/** Runs compose on the project's own `docker-compose.yml`. */
export async function compose(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<string> {
  return await docker(['compose', ...args], options)
}

/** True when there is an engine to use. */
export function engineAnswers(): Promise<boolean> {
  return docker(['version']).then(
    () => true,
    () => false,
  )
}
