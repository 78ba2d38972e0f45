import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { ClusterDriver } from '../../lab-server/cluster/cluster-driver.ts'
import { bringBackAll, etcdUnderTest } from './test-lab.ts'

const run = promisify(execFile)

/**
 * Writes a copy of the data of the first running member to `file`; answers `file`. `flags` are
 * further ones of etcdctl.
 */
export async function saveData(
  driver: ClusterDriver,
  file: string,
  flags: readonly string[] = [],
): Promise<string> {
  const member = driver.members().find(({ state }) => state === 'running')
  if (!member) throw new Error('no member runs, so there is nothing to copy')
  await rm(file, { force: true })
  await run(etcdctl(), [`--endpoints=${member.clientUrl}`, ...flags, 'snapshot', 'save', file])
  return file
}

interface Restore {
  readonly driver: ClusterDriver
  /** The driver's directory: each member's data is in a folder of its name. */
  readonly labDir: string
  readonly copy: string
  /** `--initial-cluster-token`: part of what the cluster's id is made of. */
  readonly token?: string
}

/** Replaces the data of every member by the copy, and starts them all. */
export async function restoreData({ driver, labDir, copy, token }: Restore): Promise<void> {
  const names = driver.members().map(({ name }) => name)
  for (const name of names) await driver.kill(name)
  const peerUrl = (name: string) => `unix://${name}:2380`
  const cluster = names.map((name) => `${name}=${peerUrl(name)}`).join(',')
  for (const name of names) {
    const dataDir = join(labDir, name)
    await rm(dataDir, { recursive: true, force: true })
    await run(etcdctl(), [
      ...['snapshot', 'restore', copy, `--name=${name}`, `--data-dir=${dataDir}`],
      ...[`--initial-cluster=${cluster}`, `--initial-advertise-peer-urls=${peerUrl(name)}`],
      ...(token === undefined ? [] : [`--initial-cluster-token=${token}`]),
    ])
  }
  await bringBackAll(driver)
}

function etcdctl(): string {
  return join(dirname(etcdUnderTest()), 'etcdctl')
}
