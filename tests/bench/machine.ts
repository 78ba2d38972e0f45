import { readFileSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { etcdVersionUnderTest } from '../helpers/test-lab.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
}

export interface Versions {
  readonly project: string
  readonly node: string
  readonly etcd: string
  readonly etcd3: string
  readonly grpcJs: string
}

export function describeMachine(): Machine {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${platform()} ${release()} ${arch()}`,
  }
}

export async function readVersions(): Promise<Versions> {
  const etcd = /etcd Version: *(\S+)/.exec(await etcdVersionUnderTest())?.[1] ?? 'unknown'
  return {
    project: versionIn('../../package.json'),
    node: process.version,
    etcd,
    etcd3: versionIn('../../node_modules/etcd3/package.json'),
    grpcJs: versionIn('../../node_modules/@grpc/grpc-js/package.json'),
  }
}

function versionIn(path: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
  const version: unknown =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? manifest.version
      : undefined
  return typeof version === 'string' ? version : 'unknown'
}
