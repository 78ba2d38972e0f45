import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import {
  createProcessDriver,
  type ProcessDriverOptions,
} from '../../lab-server/cluster/process-driver.ts'

const run = promisify(execFile)

/** The etcd binary that the tests run, from `LAB_ETCD_DIR`. */
export function etcdUnderTest(): string {
  const dir = process.env['LAB_ETCD_DIR']
  if (dir === undefined) throw new Error('LAB_ETCD_DIR names no directory with etcd in it')
  return join(dir, 'etcd')
}

export async function etcdVersionUnderTest(): Promise<string> {
  return (await run(etcdUnderTest(), ['--version'])).stdout
}

/** A directory as a lab gets one: inside a run directory, both not there yet. */
export function newLabDirectory(): { runDir: string; labDir: string } {
  const runDir = join(tmpdir(), `ming-lab-${randomBytes(4).toString('hex')}`)
  return { runDir, labDir: join(runDir, randomBytes(4).toString('hex')) }
}

export interface TestDriver {
  readonly driver: ClusterDriver
  readonly labDir: string
  /** Closes the driver and removes the run directory. */
  remove(): Promise<void>
}

/** A driver on real etcd; no member runs yet. */
export async function createTestDriver(
  options: Partial<ProcessDriverOptions> = {},
): Promise<TestDriver> {
  const { runDir, labDir } = newLabDirectory()
  const etcdVersion = await etcdVersionUnderTest()
  const driver = createProcessDriver({
    etcdPath: etcdUnderTest(),
    etcdVersion,
    dir: labDir,
    ...options,
  })
  return {
    driver,
    labDir,
    async remove() {
      await driver.close()
      await rm(runDir, { recursive: true, force: true })
    },
  }
}

/**
 * Starts every member that does not run and resumes every one that is paused, all at once: they may
 * need each other for a quorum.
 */
export async function bringBackAll(driver: ClusterDriver): Promise<void> {
  await Promise.all(
    driver.members().map(async ({ name, state }) => {
      if (state === 'paused') await driver.resume(name)
      else if (state !== 'running') await driver.start(name)
    }),
  )
}
