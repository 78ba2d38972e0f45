import { copyFile, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Credentials } from '../../lab-server/etcd/auth-session.ts'
import type { TlsFiles } from '../../lab-server/etcd/tls-files.ts'
import { createAuthority } from './certificates.ts'
import { freePort } from './free-port.ts'
import { etcdUnderTest } from './test-lab.ts'

/** What an operator adds to the members of a lab: TLS for clients, users, tokens that end soon. */
export interface SecuredEtcd {
  /** Stands for the etcd program: the same with further flags. */
  readonly etcdPath: string
  /** Of clients. */
  readonly tls: Required<TlsFiles>
  /** Where the member serves clients over TLS, besides its socket. */
  tlsUrl(member: string): string
  /** From now on a member that starts without data joins the cluster that there is. */
  joinExisting(): Promise<void>
  /**
   * Another authority, and certificates signed by it, in the files of clients and members. A member
   * shows the new one with the next handshake and trusts the new authority from its next start on.
   */
  replaceCertificates(): Promise<void>
  /** Removes the files. */
  remove(): Promise<void>
}

/** The user of registries: reads and writes below /rpc/ and nothing else. */
export const ordinaryUser: Credentials = { username: 'ming', password: 'ming' }
export const rootUser: Credentials = { username: 'root', password: 'root' }

const names = { names: [{ type: 'ip' as const, value: '127.0.0.1' }] }

export async function secureEtcd(members: readonly string[]): Promise<SecuredEtcd> {
  const dir = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-secured-')))
  const file = (name: string): string => path.join(dir, name)
  const tls = { caFile: file('ca.pem'), certFile: file('client.pem'), keyFile: file('client.key') }
  const server = { certFile: file('server.pem'), keyFile: file('server.key') }
  const urls = new Map<string, string>()
  let authorities = 0

  async function replaceCertificates(): Promise<void> {
    authorities += 1
    const authority = await createAuthority(dir, `authority${authorities}`)
    const ofClients = await authority.sign('client')
    const ofMembers = await authority.sign('server', names)
    await replaceFile(authority.certFile, tls.caFile)
    for (const kind of ['keyFile', 'certFile'] as const) {
      await replaceFile(ofClients[kind], tls[kind])
      await replaceFile(ofMembers[kind], server[kind])
    }
  }

  const flags = [
    `--cert-file=${server.certFile}`,
    `--key-file=${server.keyFile}`,
    '--client-cert-auth',
    `--trusted-ca-file=${tls.caFile}`,
    // Seconds; with the kind of token that is etcd's default, every use prolongs one.
    '--auth-token-ttl=1',
    // Checking a password is slow on purpose, and here beside the point.
    '--bcrypt-cost=4',
  ]
  const writeFlags = (more: readonly string[]): Promise<void> =>
    writeFile(file('flags'), `${[...flags, ...more].join(' ')}\n`)

  await replaceCertificates()
  await writeFlags([])
  for (const member of members) {
    const url = `https://127.0.0.1:${await freePort()}`
    urls.set(member, url)
    await writeFile(file(`${member}.url`), `${url}\n`)
  }
  await writeFile(file('etcd'), program(dir), { mode: 0o700 })
  return {
    etcdPath: file('etcd'),
    tls,
    tlsUrl: (member) => urls.get(member) ?? '',
    joinExisting: () => writeFlags(['--initial-cluster-state=existing']),
    replaceCertificates,
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}

/** A member is started with its name first, in the directory of its socket; a repeated flag wins. */
function program(dir: string): string {
  return [
    '#!/bin/sh',
    'name="${1#--name=}"',
    `read -r url < '${dir}'/"$name.url"`,
    `read -r flags < '${dir}/flags'`,
    `exec '${etcdUnderTest()}' "$@" --listen-client-urls="unix://$PWD/$name.sock,$url" $flags`,
    '',
  ].join('\n')
}

/** All at once, as whoever renews certificates should: no look sees a part of the file. */
export async function replaceFile(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.new`)
  await rename(`${to}.new`, to)
}
