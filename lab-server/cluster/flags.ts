import { join } from 'node:path'
import { type EtcdVersion, isAtLeast } from './etcd-version.ts'

export interface MemberPlan {
  readonly version: EtcdVersion
  readonly name: string
  /** Names of all members, this one included. */
  readonly names: readonly string[]
  /** The lab's directory, absolute; the member runs with this as its working directory. */
  readonly dir: string
  readonly room: MemberRoom
}

/** How much of the machine a member may take. */
export interface MemberRoom {
  /** Beyond it etcd takes no more writes (`--quota-backend-bytes`). */
  readonly quotaBytes: number
  /** The whole environment of a member: nothing of the server's own reaches it. */
  readonly environment: Readonly<Record<string, string>>
}

/** A reader's lab is one of many on its machine. */
export const labRoom: MemberRoom = {
  quotaBytes: 32 * 2 ** 20,
  environment: { GOMAXPROCS: '1', GOGC: '50', GOMEMLIMIT: '40MiB' },
}

export function clientSocket(dir: string, name: string): string {
  return join(dir, `${name}.sock`)
}

/**
 * A peer URL `unix://host:port` is, to etcd, a socket file named `host:port` in the member's
 * working directory: etcd insists on a port even there.
 */
export function peerSocket(dir: string, name: string): string {
  return join(dir, peerAddress(name))
}

function peerAddress(name: string): string {
  return `${name}:2380`
}

function peerUrl(name: string): string {
  return `unix://${peerAddress(name)}`
}

/**
 * Flags of a member that is light on memory and disk and listens on Unix sockets only, so that no
 * web page, no other lab and no other user can reach it.
 *
 * The advertised client URL is what `member list` shows; nothing dials it.
 */
export function memberFlags(plan: MemberPlan): string[] {
  const { name, names, dir, version, room } = plan
  return [
    `--name=${name}`,
    `--data-dir=${join(dir, name)}`,
    `--listen-client-urls=unix://${clientSocket(dir, name)}`,
    `--advertise-client-urls=http://${name}:2379`,
    `--listen-peer-urls=${peerUrl(name)}`,
    `--initial-advertise-peer-urls=${peerUrl(name)}`,
    `--initial-cluster=${names.map((each) => `${each}=${peerUrl(each)}`).join(',')}`,
    '--log-outputs=stderr',
    '--heartbeat-interval=100',
    '--election-timeout=1000',
    // Data lives as long as the lab: losing it with the machine is no loss.
    '--unsafe-no-fsync',
    '--snapshot-count=5000',
    `--quota-backend-bytes=${room.quotaBytes}`,
    '--auto-compaction-mode=revision',
    '--auto-compaction-retention=2000',
    '--max-wals=2',
    // Clients ping a silent connection every 1.5 s; below this minimum etcd answers with GOAWAY.
    '--grpc-keepalive-min-time=1s',
    ...flagsOfVersion(version),
  ]
}

/**
 * 3.6 took `experimental` out of the name and 3.7 refuses the old one; 3.8 has no v2 snapshot
 * files and no flag for their number (https://github.com/etcd-io/etcd/pull/22306).
 */
function flagsOfVersion(version: EtcdVersion): string[] {
  const prefix = isAtLeast(version, 3, 6) ? '' : 'experimental-'
  const progress = `--${prefix}watch-progress-notify-interval=1s`
  return isAtLeast(version, 3, 8) ? [progress] : [progress, '--max-snapshots=2']
}
