import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { LabError } from '../protocol/index.ts'
import {
  formatEtcdVersion,
  isAtLeast,
  isOutdated,
  oldestSupported,
  parseEtcdVersion,
  securityFloor,
} from './cluster/etcd-version.ts'

/** The etcd that all labs of this server run. */
export interface EtcdRelease {
  /** Such as 3.6.14. */
  readonly version: string
  /** The oldest release of the same minor version without a published security flaw. */
  readonly floor: string
  /** True when `version` is older than `floor`. */
  readonly outdated: boolean
}

/** Of a version as a member tells it. */
export function judgeEtcdVersion(text: string): EtcdRelease {
  const version = parseEtcdVersion(text)
  return {
    version: formatEtcdVersion(version),
    floor: formatEtcdVersion(securityFloor(version)),
    outdated: isOutdated(version),
  }
}

/** Asks the program itself. Rejects `CONFIG` when it does not run or is too old. */
export async function readEtcdRelease(etcdPath: string): Promise<EtcdRelease> {
  const version = parseEtcdVersion(await runVersion(etcdPath))
  if (!isAtLeast(version, oldestSupported.major, oldestSupported.minor)) {
    throw new LabError(
      'CONFIG',
      `${etcdPath} is etcd ${formatEtcdVersion(version)}; ` +
        `the lab needs ${formatEtcdVersion(oldestSupported)} or newer.`,
    )
  }
  return judgeEtcdVersion(formatEtcdVersion(version))
}

async function runVersion(etcdPath: string): Promise<string> {
  try {
    const options = { timeout: 10_000, env: {} }
    return (await promisify(execFile)(etcdPath, ['--version'], options)).stdout
  } catch (cause) {
    throw new LabError('CONFIG', `Running ${etcdPath} --version failed: ${String(cause)}`, {
      cause,
    })
  }
}
