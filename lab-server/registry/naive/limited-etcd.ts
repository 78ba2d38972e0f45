import type { EtcdClient } from '../../etcd/etcd-client.ts'
import { limitReached } from './naive-limits.ts'

/** What a naive registry asks of etcd. */
export type NaiveEtcd = Pick<
  EtcdClient,
  'range' | 'put' | 'deleteRange' | 'txn' | 'leaseGrant' | 'leaseRevoke' | 'keepAlive' | 'watch'
>

/**
 * The same, but calls above the limit reject with `NAIVE_LIMIT`. Watches and keep-alives are not
 * counted: a watch has a limit of its own, and a keep-alive is one of a registration.
 */
export function limitCalls(etcd: NaiveEtcd, most: number): NaiveEtcd {
  let underWay = 0
  const limited =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (underWay >= most) throw limitReached('calls', most)
      underWay += 1
      try {
        return await call(...args)
      } finally {
        underWay -= 1
      }
    }
  return {
    range: limited((...args) => etcd.range(...args)),
    put: limited((...args) => etcd.put(...args)),
    deleteRange: limited((...args) => etcd.deleteRange(...args)),
    txn: limited((...args) => etcd.txn(...args)),
    leaseGrant: limited((...args) => etcd.leaseGrant(...args)),
    leaseRevoke: limited((...args) => etcd.leaseRevoke(...args)),
    keepAlive: (request) => etcd.keepAlive(request),
    watch: (request) => etcd.watch(request),
  }
}
