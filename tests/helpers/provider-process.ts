import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { decodeInstance } from '../../lab-server/registry/codec.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'

/**
 * A provider in a process of its own: registers the instance that its last argument describes,
 * prints a line, and lives until it is killed. Arguments: endpoints (by comma), TTL, instance (JSON).
 */
const [, , endpoints = '', ttlSeconds = '', value = ''] = process.argv
const decoded = decodeInstance(Buffer.from(value))
if (!decoded.ok) throw new Error(`this is no instance: ${decoded.reason}`)
const client = new EtcdClient({ endpoints: endpoints.split(',') })
const registry = createEtcdRegistry({ client })
await registry.register(decoded.value, { ttlSeconds: Number(ttlSeconds) })
process.stdout.write('registered\n')
