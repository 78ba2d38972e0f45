import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'
import type { WatchBatch } from '../../lab-server/etcd/etcd-calls.ts'
import { EtcdClient, type EtcdClientOptions } from '../../lab-server/etcd/etcd-client.ts'
import { openRegistry, type OpenRegistry } from '../../lab-server/open-registry.ts'
import type { ServiceInstance } from '../../lab-server/registry/registry.ts'
import type { LabError } from '../../protocol/index.ts'
import { countTokens } from '../helpers/count-tokens.ts'
import { addUsers, enableAuth, startPlainEtcd, type PlainEtcd } from '../helpers/plain-etcd.ts'
import { waitFor } from '../helpers/wait-for.ts'

const ming = { username: 'ming', password: 'ming' }
const root = ['--user=root:root']

const closers: (() => unknown)[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const close of closers.splice(0).toReversed()) await close()
})

/** Checking a password takes a busy machine long: it is not to be asked twice for that. */
const patient = { patienceMs: 5000 }

function connect(etcd: PlainEtcd, options: Partial<EtcdClientOptions> = {}): EtcdClient {
  const client = new EtcdClient({ endpoints: etcd.endpoints, credentials: ming, ...options })
  closers.push(() => client.close())
  return client
}

function open(etcd: PlainEtcd, onTrouble: (error: LabError) => void = () => {}): OpenRegistry {
  const opened = openRegistry({ endpoints: etcd.endpoints, credentials: ming }, { onTrouble })
  closers.push(() => opened.close())
  return opened
}

/** What a watch of /rpc/ has told, and what etcd's own history has for the same revisions. */
interface Recording {
  readonly batches: WatchBatch[]
  seen(): string[]
  /** Until the watch has told everything up to this revision. */
  arrive(revision: string): Promise<void>
}

function record(client: EtcdClient, fromRevision: string): Recording {
  const stopping = new AbortController()
  const batches: WatchBatch[] = []
  const run = async (): Promise<void> => {
    const request = { prefix: '/rpc/', fromRevision, signal: stopping.signal }
    for await (const batch of client.watch(request)) batches.push(batch)
  }
  const ended = run()
  closers.push(() => {
    stopping.abort()
    return ended
  })
  return {
    batches,
    seen: () => batches.flatMap(({ events }) => events.map(({ kv }) => kv.modRevision)),
    arrive: (revision) =>
      waitFor(`the watch to arrive at ${revision}`, () => {
        const last = batches.at(-1)?.revision ?? '0'
        return BigInt(last) >= BigInt(revision) || `at ${last}`
      }),
  }
}

/** The streams of all watches, so that a test can cut them as a lost connection would. */
function watchStreams(): { cut(): void } {
  const opened = vi.spyOn(EtcdConnection.prototype, 'stream')
  return {
    cut() {
      const last = opened.mock.results.at(-1)
      if (last?.type !== 'return') throw new Error('no stream was opened')
      last.value.cancel()
    },
  }
}

const instance: ServiceInstance = {
  serviceName: 'Order',
  serviceVersion: '1.0',
  serviceHost: '10.0.0.1',
  servicePort: 8080,
  serviceGroup: 'default',
}

describe('while authentication is enabled', () => {
  let etcd: PlainEtcd

  beforeAll(async () => {
    // What is idle for two seconds has expired: the members look once a second.
    etcd = await startPlainEtcd({ flags: ['--auth-token-ttl=1'] })
    await enableAuth(etcd)
  })

  afterAll(() => etcd.close())

  it('does all that a registry does with a role for /rpc/ alone', async () => {
    const { registry } = open(etcd)
    const service = { name: 'Order', version: '1.0' }
    const registration = await registry.register(instance, { ttlSeconds: 5 })
    const { instances } = await registry.discover(service)
    expect(instances).toMatchObject([{ instance, lease: registration.lease().id }])
    expect((await registry.services()).services).toEqual([{ id: service, instances: 1 }])
    for await (const change of registry.watch(service, { signal: AbortSignal.timeout(5000) })) {
      expect(change).toMatchObject({ type: 'added', found: { instance } })
      break
    }
    await registration.release()
    expect((await registry.discover(service)).instances).toEqual([])
    await registry.close()
    expect(await etcd.etcdctl([...root, 'lease', 'list'])).toContain('found 0 leases')
  })

  it('passes on what etcd refuses the user', async () => {
    const client = connect(etcd)
    const refused = { code: 'ETCD_REFUSED', details: { etcd: 'etcdserver: permission denied' } }
    await expect(client.put({ key: '/other', value: 'x' })).rejects.toMatchObject(refused)
    const watch = client.watch({ prefix: '/other', fromRevision: '1' })
    await expect(watch.next()).rejects.toMatchObject({ code: 'ETCD_REFUSED' })
  })

  it('refuses whoever gives no user', async () => {
    const client = new EtcdClient({ endpoints: etcd.endpoints })
    closers.push(() => client.close())
    const refused = { code: 'ETCD_REFUSED', details: { etcd: 'etcdserver: user name is empty' } }
    await expect(client.put({ key: '/rpc/a', value: 'x' })).rejects.toMatchObject(refused)
    const watch = client.watch({ prefix: '/rpc/', fromRevision: '1' })
    await expect(watch.next()).rejects.toMatchObject({ code: 'ETCD_REFUSED' })
  })

  it('names the user whose password is wrong, and asks for many calls once', async () => {
    const authentications = countTokens()
    const client = connect(etcd, {
      ...patient,
      credentials: { username: 'ming', password: 'guess' },
    })
    const calls = Array.from({ length: 20 }, () => client.range({ key: '/rpc/a' }))
    const outcomes = await Promise.allSettled(calls)
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'ETCD_REFUSED', details: { username: 'ming' } },
      })
    }
    await expect(client.range({ key: '/rpc/a' })).rejects.toThrow(
      /^as ming: .*authentication failed, invalid user ID or password$/,
    )
    expect(authentications()).toBe(1)
    const watch = client.watch({ prefix: '/rpc/', fromRevision: '1' })
    await expect(watch.next()).rejects.toThrow('authentication failed')
  })

  it('keeps a registration and its lease over three expired tokens', async () => {
    const authentications = countTokens()
    const troubles: LabError[] = []
    const { registry } = open(etcd, (error) => troubles.push(error))
    const opened = vi.spyOn(EtcdConnection.prototype, 'stream')
    // Renewed every 2.4 to 2.7 s, each time with a token that has expired since.
    const registration = await registry.register(instance, { ttlSeconds: 8 })
    const { id } = registration.lease()
    await waitFor(
      'a token for the registration and three more',
      () => authentications() >= 4 || `${authentications()} tokens`,
      { timeoutMs: 20_000 },
    )
    expect(registration.state()).toBe('registered')
    expect(registration.lease().id).toBe(id)
    expect(await etcd.etcdctl([...root, 'lease', 'timetolive', BigInt(id).toString(16)])).toContain(
      'granted with TTL(8s)',
    )
    expect(troubles).toEqual([])
    // The watch of its key stayed where it was: a member says that nothing happened to anybody.
    // (Once more, at most, on a machine so busy that the member looked silent.)
    expect(opened.mock.calls.length).toBeLessThan(3)
  })

  it('outlives a password that is wrong for a while', async () => {
    const troubles: LabError[] = []
    const onTrouble = (error: LabError): void => void troubles.push(error)
    const client = connect(etcd, { onTrouble })
    const { registry } = open(etcd, onTrouble)
    const registration = await registry.register(instance, { ttlSeconds: 60 })
    const { header } = await client.range({ prefix: '/rpc/' })
    const streams = watchStreams()
    const recording = record(client, header.revision)
    await recording.arrive(header.revision)
    await setPassword(etcd, 'changed')
    streams.cut()
    await waitFor('the watch to be refused', () => troubles.length > 0 || 'no trouble')
    expect(troubles[0]?.message).toContain('authentication failed')
    await expect(client.range({ key: '/rpc/a' })).rejects.toMatchObject({ code: 'ETCD_REFUSED' })
    const away = await putAsRoot(etcd, '/rpc/away')
    await setPassword(etcd, ming.password)
    await recording.arrive(away)
    expect(recording.seen()).toContain(away)
    await waitFor('calls to pass again', async (): Promise<true> => {
      await client.range({ key: '/rpc/a' })
      return true
    })
    expect(registration.state()).toBe('registered')
  })
})

describe('when authentication is enabled while everything runs', () => {
  it('goes on with calls, watches and the same lease', async () => {
    const etcd = await startPlainEtcd()
    closers.push(() => etcd.close())
    await addUsers(etcd)
    const client = connect(etcd)
    const { registry } = open(etcd)
    const registration = await registry.register(instance, { ttlSeconds: 6 })
    const { id } = registration.lease()
    const renewed = vi.fn()
    const own = await client.leaseGrant({ ttlSeconds: 3 })
    const keeping = new AbortController()
    const kept = client.keepAlive({ ...own, signal: keeping.signal, onRenewed: renewed })
    const { header } = await client.put({ key: '/rpc/own', value: 'x', lease: own.id })
    const streams = watchStreams()
    const recording = record(client, header.revision)
    await recording.arrive(header.revision)

    await etcd.etcdctl(['auth', 'enable'])
    const nobody = new EtcdClient({ endpoints: etcd.endpoints })
    closers.push(() => nobody.close())
    await expect(nobody.range({ key: '/rpc/' })).rejects.toThrow('user name is empty')

    streams.cut()
    const put = await client.put({ key: '/rpc/later', value: 'x' })
    await recording.arrive(put.header.revision)
    expect(recording.seen()).toEqual([header.revision, put.header.revision])
    renewed.mockClear()
    await waitFor('two renewals', () => renewed.mock.calls.length >= 2 || 'fewer')
    keeping.abort()
    expect(await kept).toBe('ended')
    expect(registration.state()).toBe('registered')
    expect(registration.lease().id).toBe(id)

    await etcd.etcdctl([...root, 'auth', 'disable'])
    await client.put({ key: '/rpc/off', value: 'x' })
    await etcd.etcdctl(['auth', 'enable'])
    await client.put({ key: '/rpc/on', value: 'x' })
  })
})

describe('with tokens whose use prolongs nothing (JWT)', () => {
  let etcd: PlainEtcd
  let dir: string

  beforeAll(async () => {
    dir = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-jwt-')))
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    })
    const publicKey = path.join(dir, 'public.pem')
    const privateKey = path.join(dir, 'private.pem')
    await writeFile(publicKey, pair.publicKey)
    await writeFile(privateKey, pair.privateKey)
    const kind = `jwt,pub-key=${publicKey},priv-key=${privateKey},sign-method=RS256,ttl=1s`
    etcd = await startPlainEtcd({ members: 3, flags: [`--auth-token=${kind}`] })
    await enableAuth(etcd)
  })

  afterAll(async () => {
    await etcd.close()
    await rm(dir, { recursive: true, force: true })
  })

  /** A token that is given out now is refused: so is every one that was given out before. */
  async function allTokensExpire(): Promise<void> {
    const asker = new EtcdConnection(etcd.endpoints[0]!, { purpose: 'asker' })
    const request = { name: ming.username, password: ming.password }
    const { token } = await asker.unary<{ token: string }>('Auth', 'authenticate', request, 5000)
      .answer
    asker.close()
    const bearer = new EtcdConnection(etcd.endpoints[0]!, { purpose: 'bearer', token: () => token })
    const range = { key: Buffer.from('/rpc/') }
    await waitFor('the token to expire', () =>
      bearer.unary('KV', 'range', range, 2000).answer.then(
        () => 'still valid',
        (error: unknown) => (String(error).includes('invalid auth token') ? true : String(error)),
      ),
    )
    bearer.close()
  }

  it('neither loses nor repeats a change over three expired tokens', async () => {
    const client = connect(etcd)
    const first = await client.put({ key: '/rpc/watched', value: '0' })
    const streams = watchStreams()
    const recording = record(client, first.header.revision)
    await recording.arrive(first.header.revision)
    for (let round = 1; round <= 3; round += 1) {
      await allTokensExpire()
      const refused = await putAsRoot(etcd, `/rpc/root${round}`)
      streams.cut()
      const { header } = await client.put({ key: '/rpc/watched', value: String(round) })
      expect(BigInt(header.revision)).toBeGreaterThan(BigInt(refused))
      await recording.arrive(header.revision)
    }
    const { kvs } = await client.range({ prefix: '/rpc/root' })
    expect(kvs).toHaveLength(3)
    const last = BigInt(recording.batches.at(-1)!.revision)
    const every = Array.from({ length: Number(last - BigInt(first.header.revision)) + 1 }, (_, n) =>
      (BigInt(first.header.revision) + BigInt(n)).toString(),
    )
    // Nothing else writes here, and every revision is a put under /rpc/.
    expect(recording.seen()).toEqual(every)
  })

  it('goes on when a change of users makes its token old', async () => {
    const authentications = countTokens()
    const client = connect(etcd, patient)
    await client.put({ key: '/rpc/a', value: 'x' })
    await etcd.etcdctl([...root, 'user', 'add', 'other:other'])
    const before = authentications()
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => client.put({ key: `/rpc/${n}`, value: 'x' })),
    )
    expect(authentications()).toBeGreaterThan(before)
    expect(authentications()).toBeLessThanOrEqual(before + 2)
  })

  it('finds the next leader although every token has expired', async () => {
    const client = connect(etcd)
    const { header } = await client.put({ key: '/rpc/a', value: 'before' })
    const recording = record(client, header.revision)
    await recording.arrive(header.revision)
    await allTokensExpire()
    const leader = await leaderOf(etcd)
    await etcd.kill(leader)
    const put = await client.put({ key: '/rpc/a', value: 'after' })
    await recording.arrive(put.header.revision)
    const { kvs } = await client.range({ key: '/rpc/a' })
    expect(Buffer.from(kvs[0]!.value).toString()).toBe('after')
    await etcd.start(leader)
  })
})

describe('when the leader dies and Status is refused', () => {
  it('makes a call anew as soon as the next term begins', async () => {
    // So long an election that whoever proposes blindly has asked every member before its end.
    const election = ['--heartbeat-interval=200', '--election-timeout=2000']
    const etcd = await startPlainEtcd({ members: 3, flags: election })
    closers.push(() => etcd.close())
    await enableAuth(etcd)
    const client = connect(etcd)
    const { header } = await client.put({ key: '/rpc/a', value: 'before' })
    const recording = record(client, header.revision)
    await recording.arrive(header.revision)
    const leader = await leaderOf(etcd)
    await etcd.kill(leader)
    // A member takes 9 s to give up on a proposal that was lost with the leader.
    const put = await client.put({ key: '/rpc/a', value: 'after' }, { deadlineMs: 8500 })
    await recording.arrive(put.header.revision)
    expect(recording.seen()[0]).toBe(header.revision)
    expect(recording.seen()).toContain(put.header.revision)
  })
})

/** Answers the revision of the put. */
async function putAsRoot(etcd: PlainEtcd, key: string): Promise<string> {
  const answer: unknown = JSON.parse(await etcd.etcdctl([...root, '-w=json', 'put', key, 'x']))
  return revisionIn(answer)
}

async function setPassword(etcd: PlainEtcd, password: string): Promise<void> {
  await etcd.etcdctl([...root, 'user', 'passwd', 'ming', '--interactive=false'], `${password}\n`)
}

async function leaderOf(etcd: PlainEtcd): Promise<string> {
  const status = await etcd.etcdctl([...root, 'endpoint', 'status', '-w=simple'])
  // endpoint, id, version, size, is leader, …
  const line = status.split('\n').find((each) => each.split(', ')[4] === 'true')
  if (line === undefined) throw new Error(`nobody leads: ${status}`)
  return line.split(', ')[0]!
}

function revisionIn(answer: unknown): string {
  const found = /"revision":(\d+)/.exec(JSON.stringify(answer))?.[1]
  if (found === undefined) throw new Error(`no revision in ${JSON.stringify(answer)}`)
  return found
}
