import { EtcdClient, type EtcdClientOptions } from '../../lab-server/etcd/etcd-client.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import type { ServiceInstance } from '../../lab-server/registry/registry.ts'

/** What the only argument holds, as JSON. */
export interface ProviderArgument {
  readonly client: EtcdClientOptions
  readonly ttlSeconds: number
  readonly instance: ServiceInstance
}

/**
 * A provider in a process of its own: registers the instance, prints a line, and lives until it is
 * killed.
 */
const argument: unknown = JSON.parse(process.argv[2] ?? '')
const { client, ttlSeconds, instance } = argument as ProviderArgument
const registry = createEtcdRegistry({ client: new EtcdClient(client) })
await registry.register(instance, { ttlSeconds })
process.stdout.write('registered\n')
