import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdInspector } from '../../lab-server/etcd/inspector.ts'
import { examine } from '../../lab-server/shell/doctor/examine.ts'
import { startEtcdCluster, type EtcdCluster } from '../helpers/etcd-cluster.ts'
import { waitFor } from '../helpers/wait-for.ts'

let cluster: EtcdCluster
const clients: EtcdClient[] = []

beforeAll(async () => {
  cluster = await startEtcdCluster()
})

afterAll(async () => {
  await cluster.close()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await cluster.heal()
})

function connect(): EtcdClient {
  const client = new EtcdClient({ endpoints: cluster.endpoints })
  clients.push(client)
  return client
}

describe('keeping a lease', () => {
  it('keeps it over the death of the leader and for longer than its TTL', async () => {
    const client = connect()
    const { id, ttlSeconds } = await client.leaseGrant({ ttlSeconds: 3 })
    await client.put({ key: 'kept', value: 'x', lease: id })
    const stop = new AbortController()
    const renewals: number[] = []
    const kept = client.keepAlive({
      id,
      ttlSeconds,
      signal: stop.signal,
      onRenewed: () => renewals.push(performance.now()),
    })
    await waitFor('the first renewal', () => renewals.length > 0 || 'none')
    await cluster.kill(await cluster.leader())
    const enough = performance.now() + ttlSeconds * 2000
    await waitFor('renewals for twice the TTL', () =>
      (renewals.at(-1) ?? 0) > enough ? true : `${renewals.length} renewals`,
    )
    expect((await client.range({ key: 'kept' })).count).toBe(1)
    stop.abort()
    expect(await kept).toBe('ended')
  })

  it('outlives a loss of quorum that is longer than the TTL', async () => {
    const client = connect()
    const { id, ttlSeconds } = await client.leaseGrant({ ttlSeconds: 2 })
    await client.put({ key: 'outage', value: 'x', lease: id })
    const stop = new AbortController()
    const renewals: number[] = []
    const troubles: Error[] = []
    const kept = client.keepAlive({
      id,
      ttlSeconds,
      signal: stop.signal,
      onRenewed: () => renewals.push(performance.now()),
      onTrouble: (error) => troubles.push(error),
    })
    await waitFor('the first renewal', () => renewals.length > 0 || 'none')
    const [first, second] = cluster.members
    await cluster.kill(first?.name ?? '')
    await cluster.kill(second?.name ?? '')
    await waitFor('two renewals to fail', () => troubles.length >= 2 || `${troubles.length}`)
    const before = renewals.length
    await cluster.heal()
    await waitFor('renewals to go on', () => renewals.length > before + 2 || 'none')
    expect((await client.range({ key: 'outage' })).count).toBe(1)
    stop.abort()
    expect(await kept).toBe('ended')
  })

  it('reports the loss of a lease that was revoked behind its back', async () => {
    const client = connect()
    const { id, ttlSeconds } = await client.leaseGrant({ ttlSeconds: 3 })
    const kept = client.keepAlive({ id, ttlSeconds })
    await connect().leaseRevoke(id)
    const start = performance.now()
    expect(await kept).toBe('lost')
    expect(performance.now() - start).toBeLessThan(ttlSeconds * 1000)
  })

  it('ends when the client closes', async () => {
    const client = connect()
    const { id, ttlSeconds } = await client.leaseGrant({ ttlSeconds: 30 })
    const kept = client.keepAlive({ id, ttlSeconds })
    client.close()
    expect(await kept).toBe('ended')
  })
})

describe('granting and revoking', () => {
  it('makes exactly one lease of a grant that had to be repeated', async () => {
    const client = connect()
    const before = new Set((await client.leases()).ids)
    const leader = await cluster.leader()
    const dying = cluster.kill(leader)
    const grants = await Promise.all(
      Array.from({ length: 20 }, () => client.leaseGrant({ ttlSeconds: 60 })),
    )
    await dying
    await cluster.heal()
    const { ids } = await client.leases()
    const made = ids.filter((id) => !before.has(id))
    expect(made.toSorted()).toEqual(grants.map((grant) => grant.id).toSorted())
    expect(grants.every((grant) => grant.ttlSeconds === 60)).toBe(true)
    await Promise.all(grants.map((grant) => client.leaseRevoke(grant.id)))
  })

  it('raises a TTL that is too short and says so', async () => {
    const grant = await connect().leaseGrant({ ttlSeconds: 1 })
    expect(grant.ttlSeconds).toBe(2)
  })

  it('removes the keys with the lease, and refuses to revoke it twice', async () => {
    const client = connect()
    const { id } = await client.leaseGrant({ ttlSeconds: 60 })
    await client.put({ key: 'revoked', value: 'x', lease: id })
    await client.leaseRevoke(id)
    expect((await client.range({ key: 'revoked' })).count).toBe(0)
    await expect(client.leaseRevoke(id)).rejects.toMatchObject({ code: 'LEASE_LOST' })
  })
})

describe('the inspector', () => {
  it('shows keys as they are, with a limit and the whole count', async () => {
    const client = connect()
    const inspector = createEtcdInspector(client)
    const key = Uint8Array.of(0x69, 0x6e, 0x2f, 0xff)
    await client.put({ key, value: Uint8Array.of(0, 0xff) })
    await client.put({ key: 'in/a', value: 'x' })
    const all = await inspector.keys('in/')
    expect(all.count).toBe(2)
    expect(all.keys.map((found) => [...found.key])).toEqual([[0x69, 0x6e, 0x2f, 0x61], [...key]])
    const one = await inspector.keys('in/', { limit: 1 })
    expect(one.keys).toHaveLength(1)
    expect(one.count).toBe(2)
  })

  it('shows leases with their keys, and says when there is none', async () => {
    const client = connect()
    const inspector = createEtcdInspector(client)
    const { id } = await client.leaseGrant({ ttlSeconds: 60 })
    await client.put({ key: 'of-lease', value: 'x', lease: id })
    const found = await inspector.lease(id)
    expect(found).toMatchObject({ id, grantedTtl: 60, keys: ['of-lease'] })
    expect(found.remaining).toBeGreaterThan(50)
    expect((await inspector.leases()).map((lease) => lease.id)).toContain(id)
    await client.leaseRevoke(id)
    await expect(inspector.lease(id)).rejects.toMatchObject({ code: 'LEASE_LOST' })
    await expect(inspector.lease('0x12')).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('asks for no more leases once its caller has gone', async () => {
    const client = connect()
    const leases = Array.from({ length: 100 }, () => client.leaseGrant({ ttlSeconds: 60 }))
    const ids = (await Promise.all(leases)).map(({ id }) => id)
    const leaving = new AbortController()
    const asked = vi.spyOn(client, 'leaseTimeToLive').mockImplementation((id, options) => {
      leaving.abort()
      return EtcdClient.prototype.leaseTimeToLive.call(client, id, options)
    })
    const { signal } = leaving
    const inspector = createEtcdInspector(client)
    await expect(inspector.findLeases(ids, { signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    expect(asked.mock.calls.length).toBeLessThan(50)
    asked.mockRestore()
    await Promise.all(ids.map((id) => client.leaseRevoke(id)))
  })

  it('lets doctor look again at any number of keys with one question', async () => {
    const client = connect()
    const { id } = await client.leaseGrant({ ttlSeconds: 60 })
    const keys = Array.from({ length: 30 }, (_, index) => `/rpc/Stray:1.0/h:${index + 1}`)
    await Promise.all(keys.map((key) => client.put({ key, value: '{}', lease: id })))
    const range = vi.spyOn(client, 'range')
    // A lease that etcd denies to know: no real one is without its keys.
    const inspector = { ...createEtcdInspector(client), findLeases: () => Promise.resolve([]) }
    const seen = await examine(inspector, new AbortController().signal)
    expect(seen.strayKeys).toHaveLength(keys.length)
    expect(range).toHaveBeenCalledTimes(2)
    await client.leaseRevoke(id)
  })
})
