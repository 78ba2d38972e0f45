import type {
  AlarmFacts,
  EndpointFacts,
  EtcdInspector,
  LeaseFacts,
  RawKey,
} from '../../etcd/etcd-inspector.ts'
import { rpcRoot } from '../../registry/service-key.ts'

/** What `doctor` looks at, at most: a registry of any size is no burden to etcd. */
export const most = { keys: 10_000, leases: 1000 } as const

/** Everything that was looked at. */
export interface Examination {
  readonly revision: string
  /** Keys under /rpc/, and how many there are. */
  readonly keys: readonly RawKey[]
  readonly keyCount: number
  /** Leases that were asked, those of the keys first, and how many there are. */
  readonly leases: readonly LeaseFacts[]
  readonly leaseCount: number
  /** Keys whose lease etcd does not know, although both were asked again. */
  readonly strayKeys: readonly RawKey[]
  readonly alarms: readonly AlarmFacts[]
  readonly endpoints: readonly EndpointFacts[]
}

/** Asks etcd, and changes nothing. */
export async function examine(inspector: EtcdInspector): Promise<Examination> {
  const [endpoints, alarms, range] = await Promise.all([
    inspector.endpoints(),
    inspector.alarms(),
    inspector.keys(rpcRoot, { limit: most.keys }),
  ])
  const { keys, count, revision } = range
  const used = [...new Set(keys.map(({ lease }) => lease))].filter((lease) => lease !== '0')
  // Asked after the keys, so the lease of every key that is there by then is among them.
  const known = new Set([...used, ...(await inspector.leaseIds())])
  const asked = [...known].slice(0, most.leases)
  const leases = await inspector.findLeases(asked)
  const missing = new Set(asked)
  for (const { id } of leases) missing.delete(id)
  const suspects = keys.filter(({ lease }) => missing.has(lease))
  return {
    revision,
    keys,
    keyCount: count,
    leases,
    leaseCount: known.size - missing.size,
    strayKeys: await stillThere(inspector, suspects),
    alarms,
    endpoints,
  }
}

/** A lease that expired between two questions took its keys along; that is no fault. */
async function stillThere(inspector: EtcdInspector, suspects: readonly RawKey[]) {
  const stray: RawKey[] = []
  for (const suspect of suspects) {
    const { found } = await inspector.key(Buffer.from(suspect.key).toString())
    if (found?.modRevision === suspect.modRevision) stray.push(suspect)
  }
  return stray
}
