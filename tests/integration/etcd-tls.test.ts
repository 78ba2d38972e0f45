import { copyFile, mkdtemp, readdir, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonGeneralNames } from '@peculiar/x509'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EtcdClient, type EtcdClientOptions } from '../../lab-server/etcd/etcd-client.ts'
import type { TlsFiles } from '../../lab-server/etcd/tls-files.ts'
import { openRegistry, readRegistryConfig } from '../../lab-server/open-registry.ts'
import { LabError } from '../../protocol/index.ts'
import { createAuthority, type Authority, type Identity } from '../helpers/certificates.ts'
import { enableAuth, startPlainEtcd, type PlainEtcd } from '../helpers/plain-etcd.ts'
import { replaceFile } from '../helpers/secured-etcd.ts'
import { startTlsFront, type TlsFront } from '../helpers/tls-front.ts'
import { waitFor } from '../helpers/wait-for.ts'

const loopback = {
  names: [
    { type: 'ip', value: '127.0.0.1' },
    { type: 'dns', value: 'localhost' },
  ] satisfies JsonGeneralNames,
}

let dir: string
let authority: Authority
let stranger: Authority
let server: Identity
let client: Identity
let etcd: PlainEtcd
const closers: (() => unknown)[] = []

beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-tls-')))
  authority = await createAuthority(dir, 'authority')
  stranger = await createAuthority(dir, 'stranger')
  server = await authority.sign('server', loopback)
  client = await authority.sign('client')
  etcd = await startPlainEtcd({
    tls: server,
    flags: ['--client-cert-auth', `--trusted-ca-file=${authority.certFile}`],
  })
})

afterAll(async () => {
  await etcd.close()
  await rm(dir, { recursive: true, force: true })
})

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

function connect(url: string, options: Partial<EtcdClientOptions>): EtcdClient {
  const opened = new EtcdClient({ endpoints: [url], ...options })
  closers.push(() => opened.close())
  return opened
}

describe('etcd that asks clients for a certificate', () => {
  it('serves calls, watches and renewals of whoever has one', async () => {
    const tls = { caFile: authority.certFile, ...client }
    const connected = connect(etcd.tlsEndpoints[0]!, { tls })
    const lease = await connected.leaseGrant({ ttlSeconds: 2 })
    const { header } = await connected.put({ key: '/rpc/a', value: 'x', lease: lease.id })
    for await (const batch of connected.watch({
      prefix: '/rpc/',
      fromRevision: header.revision,
      signal: AbortSignal.timeout(5000),
    })) {
      expect(batch).toMatchObject({ revision: header.revision, events: [{ type: 'put' }] })
      break
    }
    const stop = new AbortController()
    const onRenewed = (): void => stop.abort()
    await connected.keepAlive({ ...lease, signal: stop.signal, onRenewed })
    await connected.leaseRevoke(lease.id)
    const { kvs } = await connected.range({ key: '/rpc/a' })
    expect(kvs).toEqual([])
  })

  it.each([
    [
      'no certificate',
      () => ({ caFile: authority.certFile }),
      /certificate required|bad certificate/,
    ],
    ['a stranger', () => signedBy(stranger), /unknown ca|bad certificate/],
    ['one that has expired', () => signedBy(authority, -1), /expired|bad certificate/],
  ])('says in the words of TLS why it refuses %s', async (_, makeFiles, words) => {
    const tls = await makeFiles()
    const refused = connect(etcd.tlsEndpoints[0]!, { tls, deadlineMs: 700 })
    const error = await refusal(refused)
    expect(error.code).toBe('UNAVAILABLE')
    expect(error.details['tls']).toMatch(words)
    expect(error.message).toMatch(words)
  })

  it('cannot be reached without TLS', async () => {
    const plain = connect(etcd.tlsEndpoints[0]!.replace('https:', 'http:'), { deadlineMs: 700 })
    const error = await failure(plain)
    expect(error.code).toBe('UNAVAILABLE')
    expect(error.details).not.toHaveProperty('tls')
  })

  it('is a registry for a user over TLS, configured by the environment alone', async () => {
    const second = await startPlainEtcd({ tls: server })
    closers.push(() => second.close())
    await enableAuth(second)
    const { config } = readRegistryConfig({
      env: {
        MING_REGISTRY_ENDPOINTS: second.tlsEndpoints[0]!.replace('https://', ''),
        MING_REGISTRY_USERNAME: 'ming',
        MING_REGISTRY_PASSWORD: 'ming',
        MING_REGISTRY_CA_FILE: authority.certFile,
        MING_REGISTRY_TTL_SECONDS: '7',
        MING_REGISTRY_SNAPSHOT_DIR: path.join(dir, 'snapshots'),
      },
    })
    const opened = openRegistry(config)
    closers.push(() => opened.close())
    const { registry } = opened
    const registration = await registry.register({
      serviceName: 'Order',
      serviceVersion: '1.0',
      serviceHost: '10.0.0.1',
      servicePort: 8080,
      serviceGroup: 'default',
    })
    expect(registration.lease().ttlSeconds).toBe(7)
    const found = await registry.discover({ name: 'Order', version: '1.0' })
    expect(found.instances).toHaveLength(1)
    await registry.follow({ name: 'Order', version: '1.0' })
    await opened.close()
    expect(await readdir(path.join(dir, 'snapshots'))).not.toEqual([])
  })
})

describe("a member's certificate", () => {
  it.each([
    [
      'of an authority that is not trusted',
      () => server,
      () => stranger,
      /self-signed certificate|unable to verify/,
    ],
    [
      'that does not name its address',
      () => authority.sign('nameless', { names: [{ type: 'dns', value: 'example.org' }] }),
      () => authority,
      /IP: 127\.0\.0\.1 is not in the cert's list/,
    ],
    [
      'that has expired',
      () => authority.sign('expired', { ...loopback, days: -1 }),
      () => authority,
      /certificate has expired/,
    ],
  ])('%s is refused in the words of TLS', async (_, makeIdentity, trusted, words) => {
    const identity = await makeIdentity()
    const front = await openFront(identity)
    const refusing = connect(front.url, {
      tls: { caFile: trusted().certFile, ...client },
      deadlineMs: 700,
    })
    const error = await refusal(refusing)
    expect(error).toMatchObject({ code: 'UNAVAILABLE' })
    expect(error.details['tls']).toMatch(words)
    expect(error.message).toMatch(words)
  })
})

describe('files that are replaced while the client runs', () => {
  it('are used by new connections, and the former ones close without an error', async () => {
    const front = await openFront(server)
    const files = await ownFiles(client)
    const connected = connect(front.url, { tls: files })
    const { header } = await connected.put({ key: 'tls/a', value: '0' })
    const watched = watchAll(connected, header.revision)
    await watched.arrive(header.revision)
    // One for calls, one for watches.
    expect(front.connected()).toEqual(['client', 'client'])

    const writing = keepWriting(connected)
    const next = await authority.sign('next')
    await replaceFile(next.keyFile, files.keyFile)
    await replaceFile(next.certFile, files.certFile)
    await waitFor('connections with the new certificate alone', () => {
      const names = front.connected().join()
      return names === 'next,next' || names
    })
    const last = await writing.stop()
    await watched.arrive(last)
    // A write that was made again, for want of an answer, may have arrived after the last one.
    const seen = watched.revisions()
    expect(seen).toEqual(revisionsFrom(header.revision, seen.at(-1) ?? last))
  })

  it('are not used while they are half written, which is told once', async () => {
    const front = await openFront(server)
    const files = await ownFiles(client)
    const troubles: LabError[] = []
    const connected = connect(front.url, { tls: files, onTrouble: (each) => troubles.push(each) })
    const writing = keepWriting(connected)
    const next = await authority.sign('whole')
    await replaceFile(next.certFile, files.certFile)
    await waitFor('trouble', () => troubles.length > 0 || 'none')
    expect(troubles[0]).toMatchObject({ code: 'CONFIG' })
    expect(troubles[0]?.message).toContain(
      `tls.keyFile ${files.keyFile}: expected the private key of the certificate in ` +
        `${files.certFile}, received another key`,
    )
    expect(front.connected()).toEqual(['client'])
    await replaceFile(next.keyFile, files.keyFile)
    await waitFor('the whole replacement in use', () => {
      const names = front.connected().join()
      return names === 'whole' || names
    })
    await writing.stop()
    expect(troubles).toHaveLength(1)
  })
})

async function failure(refused: EtcdClient): Promise<LabError> {
  try {
    await refused.range({ key: 'a' })
  } catch (error) {
    if (error instanceof LabError) return error
    throw error
  }
  throw new Error('the call passed')
}

/** The first failure that tells of TLS: on a busy machine a handshake may outlast a call. */
async function refusal(refused: EtcdClient): Promise<LabError> {
  let last = await failure(refused)
  await waitFor('TLS to be the reason', async () => {
    if (last.details['tls'] !== undefined) return true
    const { message } = last
    last = await failure(refused)
    return message
  })
  return last
}

async function signedBy(signer: Authority, days = 2): Promise<TlsFiles> {
  const identity = await signer.sign(days < 0 ? 'too-late' : 'someone', { days })
  return { caFile: authority.certFile, ...identity }
}

async function openFront(identity: Identity): Promise<TlsFront> {
  const files = { ...identity, caFile: authority.certFile }
  const front = await startTlsFront(etcd.endpoints[0]!, files)
  closers.push(() => front.close())
  return front
}

/** Copies that the test may replace. */
async function ownFiles(identity: Identity): Promise<Required<TlsFiles>> {
  const own = await mkdtemp(path.join(dir, 'own-'))
  const files = { certFile: path.join(own, 'cert.pem'), keyFile: path.join(own, 'key.pem') }
  await copyFile(identity.certFile, files.certFile)
  await copyFile(identity.keyFile, files.keyFile)
  return { caFile: authority.certFile, ...files }
}

/** Puts without a pause; `stop` rejects with what went wrong, else answers the last revision. */
function keepWriting(connected: EtcdClient): { stop(): Promise<string> } {
  let stopped = false
  const run = async (): Promise<string> => {
    for (let count = 1; ; count += 1) {
      const { header } = await connected.put({ key: 'tls/a', value: String(count) })
      if (stopped) return header.revision
    }
  }
  const running = run()
  return {
    stop() {
      stopped = true
      return running
    },
  }
}

function watchAll(connected: EtcdClient, fromRevision: string) {
  const stopping = new AbortController()
  const revisions: string[] = []
  const run = async (): Promise<void> => {
    const request = { prefix: 'tls/', fromRevision, signal: stopping.signal }
    for await (const { events } of connected.watch(request)) {
      revisions.push(...events.map(({ kv }) => kv.modRevision))
    }
  }
  const ended = run()
  closers.push(() => {
    stopping.abort()
    return ended
  })
  return {
    revisions: () => revisions,
    arrive: (revision: string) =>
      waitFor(`the watch to arrive at ${revision}`, () => {
        const last = revisions.at(-1) ?? '0'
        return BigInt(last) >= BigInt(revision) || `at ${last}`
      }),
  }
}

function revisionsFrom(first: string, last: string): string[] {
  const count = Number(BigInt(last) - BigInt(first)) + 1
  return Array.from({ length: count }, (_, n) => (BigInt(first) + BigInt(n)).toString())
}
