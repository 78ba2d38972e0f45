import type { RawKey } from '../../lab-server/etcd/etcd-inspector.ts'
import { encodeInstance } from '../../lab-server/registry/codec.ts'

/** Where `rawInstance` lives. */
export const rawPrefix = '/rpc/S:1.0/'

/** A key of the service as etcd gives it. */
export function rawInstance(port: number, modRevision: number): RawKey {
  const instance = { serviceName: 'S', serviceVersion: '1.0', serviceHost: 'h', servicePort: port }
  return {
    key: Buffer.from(`${rawPrefix}h:${port}`),
    value: Buffer.from(encodeInstance({ ...instance, serviceGroup: 'default' })),
    createRevision: String(modRevision),
    modRevision: String(modRevision),
    version: '1',
    lease: '7',
  }
}
