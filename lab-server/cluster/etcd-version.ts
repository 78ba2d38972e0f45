import { LabError } from '../../protocol/index.ts'

export interface EtcdVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The oldest version the lab works with. */
export const oldestSupported: EtcdVersion = { major: 3, minor: 5, patch: 0 }

/**
 * The first release of each minor version without a published security flaw.
 * Source: https://github.com/etcd-io/etcd/security/advisories
 */
const securityFloors: readonly EtcdVersion[] = [
  { major: 3, minor: 5, patch: 33 },
  { major: 3, minor: 6, patch: 14 },
  { major: 3, minor: 7, patch: 1 },
]

/**
 * Reads a version out of what `etcd --version` prints, or out of the bare `3.5.30`. Pre-release
 * suffixes are ignored. Throws `CONFIG` when there is none.
 */
export function parseEtcdVersion(text: string): EtcdVersion {
  const match =
    /etcd Version:\s*v?(\d+)\.(\d+)\.(\d+)/i.exec(text) ?? /^\s*v?(\d+)\.(\d+)\.(\d+)/.exec(text)
  if (match === null) {
    throw new LabError('CONFIG', `No etcd version in ${JSON.stringify(text.slice(0, 200))}`)
  }
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) }
}

export function formatEtcdVersion(version: EtcdVersion): string {
  return `${String(version.major)}.${String(version.minor)}.${String(version.patch)}`
}

/** Negative when `a` is older than `b`, zero when they are the same. */
export function compareEtcdVersions(a: EtcdVersion, b: EtcdVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch
}

export function isAtLeast(version: EtcdVersion, major: number, minor: number): boolean {
  return compareEtcdVersions(version, { major, minor, patch: 0 }) >= 0
}

/**
 * The security floor that applies to `version`: that of its own minor version; of the oldest
 * minor with one when it is older than all, of the newest when it is newer than all.
 */
export function securityFloor(version: EtcdVersion): EtcdVersion {
  const own = securityFloors.findLast((floor) => isAtLeast(version, floor.major, floor.minor))
  return own ?? securityFloors[0] ?? oldestSupported
}

/** True when `version` is older than the security floor of its minor version. */
export function isOutdated(version: EtcdVersion): boolean {
  return compareEtcdVersions(version, securityFloor(version)) < 0
}
