import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LabError } from '../../protocol/index.ts'

/**
 * The oldest release of each minor version without the leak of watch events across RBAC
 * (GHSA-xg4h-6gfc-h4m8).
 */
const securityFloors: Readonly<Record<string, string>> = {
  '3.5': '3.5.33',
  '3.6': '3.6.14',
  '3.7': '3.7.1',
}
const newestFloor = '3.7.1'

export interface EtcdRelease {
  /** Such as 3.6.14. */
  readonly version: string
  /** The oldest version of the same minor version that is known to be safe. */
  readonly floor: string
  readonly outdated: boolean
}

/** Asks the program itself. Rejects `CONFIG` when it does not run or is older than 3.5. */
export async function readEtcdRelease(etcdPath: string): Promise<EtcdRelease> {
  const output = await runVersion(etcdPath)
  const version = /etcd Version: (\d+\.\d+\.\d+)/.exec(output)?.[1]
  if (version === undefined) {
    throw new LabError('CONFIG', `${etcdPath} --version says no version: ${output.slice(0, 200)}`)
  }
  if (compareVersions(version, '3.5.0') < 0) {
    throw new LabError('CONFIG', `${etcdPath} is etcd ${version}; the lab needs 3.5 or newer`)
  }
  return describeRelease(version)
}

export function describeRelease(version: string): EtcdRelease {
  const floor = securityFloors[version.split('.').slice(0, 2).join('.')] ?? newestFloor
  return { version, floor, outdated: compareVersions(version, floor) < 0 }
}

async function runVersion(etcdPath: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(etcdPath, ['--version'], {
      timeout: 10_000,
      env: {},
    })
    return stdout
  } catch (cause) {
    throw new LabError('CONFIG', `${etcdPath} --version does not run: ${String(cause)}`, { cause })
  }
}

function compareVersions(left: string, right: string): number {
  const rights = right.split('.').map(Number)
  const differences = left.split('.').map((part, index) => Number(part) - (rights[index] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}
