import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { FollowingRegistry, ServiceInstance } from '../../lab-server/registry/registry.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { ordinaryUser, secureEtcd, type SecuredEtcd } from '../helpers/secured-etcd.ts'
import { waitFor } from '../helpers/wait-for.ts'

let secured: SecuredEtcd
let world: RegistryWorld<FollowingRegistry>

beforeAll(async () => {
  secured = await secureEtcd(['etcd1', 'etcd2', 'etcd3'])
  world = await createRegistryWorld((client) => createEtcdRegistry({ client }), secured)
  await world.etcdctl('auth', 'enable')
})
afterAll(async () => {
  await world.close()
  await secured.remove()
})

/** What a loop over changes is told, one word each for what is not an instance. */
function collect(changes: (signal: AbortSignal) => AsyncIterable<{ readonly type: string }>) {
  const stopping = new AbortController()
  const seen: string[] = []
  const running = (async () => {
    for await (const change of changes(stopping.signal)) {
      const word = 'because' in change ? change.because : 'trust' in change ? change.trust : ''
      seen.push(`${change.type} ${String(word)}`.trim())
    }
  })()
  return {
    seen,
    until: (line: string) => waitFor(line, () => seen.includes(line) || seen.join()),
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

describe('etcd restored from an older copy, to a user who may not ask for Status', () => {
  it('refuses him Status', async () => {
    const endpoints = [secured.tlsUrl('etcd1')]
    const client = new EtcdClient({ endpoints, credentials: ordinaryUser, tls: secured.tls })
    const member = client.connectMember(endpoints[0]!)
    const status = client.asUser('status', () => member.status({ deadlineMs: 2000 }))
    await expect(status).rejects.toMatchObject({
      code: 'ETCD_REFUSED',
      details: { etcd: 'etcdserver: permission denied' },
    })
    member.close()
    client.close()
  })

  it.each([
    ['with its id', 'Kept', {}],
    ['as another cluster', 'Another', { token: 'another' }],
  ])(
    'comes back %s: consumers are warned, and every provider is back',
    async (_, name, options) => {
      const service = { name, version: '1.0' }
      const instance = (port: number): ServiceInstance => instanceAt(service, port)
      // Each restored cluster begins with the same term; without Status, a term that has gone back is
      // all that tells once the revision has caught up.
      await world.driver.start(await world.killLeader())
      const [provider, consumer] = [world.open(), world.open()]
      const before = await provider.register(instance(1), { ttlSeconds: 5 })
      // Tokens that are given out from now on are of a later Raft index than the restored log has,
      // and every one would be held back until it has grown as long.
      for (let n = 0; n < 60; n += 1) await world.etcd.put({ key: 'elsewhere', value: String(n) })
      const copy = await world.save()
      const registrations = [before, await provider.register(instance(2), { ttlSeconds: 5 })]
      // One that takes its time to notice, as a provider that only repeats its PUT does.
      const key = `/rpc/${name}:1.0/localhost:3`
      const putSlow = () => world.etcd.put({ key, value: JSON.stringify(instance(3)) })
      await putSlow()
      for (let n = 0; n < 20; n += 1) await world.etcd.put({ key: 'elsewhere', value: String(n) })
      const followed = await consumer.follow(service)
      const told = collect((signal) => followed.changes({ signal }))
      const watched = collect((signal) => consumer.watch(service, { signal }))
      await told.until('trust live')
      await waitFor('the list', () => watched.seen.length === 3 || watched.seen.join())

      await world.restore(copy, options)

      await told.until('trust guarded')
      await watched.until('relisted history-changed')
      await putSlow()
      await waitFor('every provider to be back in etcd', async () => {
        const { kvs } = await world.etcd.range({ prefix: `/rpc/${name}:1.0/` })
        const states = registrations.map((registration) => registration.state())
        const isBack = kvs.length === 3 && states.every((state) => state === 'registered')
        return isBack || `${kvs.length} keys; ${states.join()}`
      })
      await waitFor('the view to be live', () => followed.current().trust === 'live' || 'not yet')
      expect(followed.current().instances).toHaveLength(3)
      await Promise.all([told.stop(), watched.stop()])
      expect(told.seen).not.toContain('removed')
    },
  )
})
