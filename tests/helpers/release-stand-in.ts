import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import type { EtcdRelease } from '../../setup/etcd-archive.mjs'
import { temporaryFolder } from './temporary-folder.ts'

const run = promisify(execFile)

/** Programs that only say a version: all that set-up asks of etcd. */
export async function writeEtcd(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeProgram(path.join(folder, 'etcd'), `echo "etcd Version: ${version}"`)
  await writeProgram(path.join(folder, 'etcdctl'), `echo "etcdctl version: ${version}"`)
  return folder
}

export async function writeProgram(file: string, script: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

export interface Archive {
  readonly bytes: Buffer
  readonly sha256: string
}

/** An archive that is built as etcd's releases are, for this machine. */
export async function buildArchive(version: string): Promise<Archive> {
  const folder = await temporaryFolder()
  const base = `etcd-v${version}-linux-${process.arch === 'x64' ? 'amd64' : process.arch}`
  await writeEtcd(path.join(folder, base), version)
  const file = path.join(folder, 'archive.tar.gz')
  await run('tar', ['-czf', file, '-C', folder, base])
  const bytes = await readFile(file)
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export interface StandIn {
  readonly url: string
  /** Paths that were asked for. */
  readonly requests: readonly string[]
}

/** A host of release archives on loopback; closed when the running test has ended. */
export async function startStandIn(answer: RequestListener): Promise<StandIn> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests }
}

/** An address where nothing listens. */
export async function refusedAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** A release that this machine would take, from these hosts. */
export function releaseAt(version: string, sha256: string, ...folders: string[]): EtcdRelease {
  return { version, folders, sha256: { [`${process.platform}-${process.arch}`]: sha256 } }
}
