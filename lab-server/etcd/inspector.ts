import { LabError } from '../../protocol/index.ts'
import type { LeaseTime } from './etcd-calls.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { EtcdInspector, LeaseFacts } from './etcd-inspector.ts'

/** Looks at etcd through a client that the caller has made and closes. */
export function createEtcdInspector(client: EtcdClient): EtcdInspector {
  async function findLease(id: string): Promise<LeaseFacts | null> {
    const found = await client.leaseTimeToLive(id, { keys: true })
    return found.remaining === -1 ? null : toFacts(found)
  }

  return {
    async keys(prefix, options = {}) {
      const { limit } = options
      const answer = await client.range({ prefix, ...(limit === undefined ? {} : { limit }) })
      return { keys: answer.kvs, count: answer.count, revision: answer.header.revision }
    },
    async leases() {
      const { ids } = await client.leases()
      const found = await Promise.all(ids.map((id) => findLease(id)))
      // A lease may end between the two questions.
      return found.filter((lease) => lease !== null)
    },
    async lease(id) {
      if (!/^-?\d{1,19}$/.test(id)) {
        throw new LabError('USAGE', `a lease id is a decimal number, not ${JSON.stringify(id)}`)
      }
      const found = await findLease(id)
      if (found === null) throw new LabError('LEASE_LOST', `etcd knows no lease ${id}`)
      return found
    },
  }
}

function toFacts(time: LeaseTime): LeaseFacts {
  return {
    id: time.id,
    grantedTtl: time.grantedTtl,
    remaining: time.remaining,
    keys: time.keys.map((key) => Buffer.from(key).toString()),
  }
}
