import type { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { encodeInstance } from '../../lab-server/registry/codec.ts'
import type { ServiceId, ServiceInstance } from '../../lab-server/registry/registry.ts'
import { instanceKey } from '../../lab-server/registry/service-key.ts'

/** Instances of one service: as many as a transaction of etcd takes by default are more (128). */
export const instancesEach = 100
const leaseSeconds = 3600
const atOnce = 8

/** Names as large companies have them. */
export function serviceIds(count: number): ServiceId[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `com.example.Service${String(at).padStart(4, '0')}`,
    version: '1.0',
  }))
}

/** The instance number `at` of a service; addresses look like those of a data centre. */
export function instanceNumber({ name, version }: ServiceId, at: number): ServiceInstance {
  return {
    serviceName: name,
    serviceVersion: version,
    serviceHost: `10.20.${at >> 8}.${at & 255}`,
    servicePort: 20_880,
    serviceGroup: 'default',
  }
}

/** Writes what providers would have written: every service with its instances, on one lease each. */
export async function fillServices(client: EtcdClient, ids: readonly ServiceId[]): Promise<void> {
  await forEachFew(ids, atOnce, async (id) => {
    const { id: lease } = await client.leaseGrant({ ttlSeconds: leaseSeconds })
    const success = Array.from({ length: instancesEach }, (_, at) => {
      const instance = instanceNumber(id, at)
      return { put: { key: instanceKey(instance), value: encodeInstance(instance), lease } }
    })
    await client.txn({ compare: [], success })
  })
}

/** Works on all items, so many at a time. Rejects with the first failure. */
export async function forEachFew<T>(
  items: readonly T[],
  few: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  const takeTurns = async (): Promise<void> => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: few }, takeTurns))
}
