import { randomBytes, randomInt } from 'node:crypto'
import { compose } from './docker.ts'

/** A stack from the project's own `docker-compose.yml`, apart from any other on this machine. */
export interface ComposeStack {
  readonly project: string
  /** Loopback address of its published ports. */
  readonly address: string
  compose(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>
  /** `down -v`: containers, networks and volumes go. */
  remove(): Promise<void>
}

/** Nothing runs yet. */
export function newStack(): ComposeStack {
  const project = `ming-test-${randomBytes(4).toString('hex')}`
  // Any address of 127/8 is loopback on Linux: no port of this machine is in the way.
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    compose(['--project-name', project, ...args], {
      env: { ETCD_BIND: address, ...env },
      timeoutMs: 120_000,
    })
  return {
    project,
    address,
    compose: run,
    async remove() {
      await run(['--profile', '*', 'down', '--volumes', '--timeout', '1'])
    },
  }
}
