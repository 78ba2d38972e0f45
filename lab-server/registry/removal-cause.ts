import type { EtcdClient } from '../etcd/etcd-client.ts'
import type { RegistryChange, RemovalCause } from './registry.ts'

type Removal = Extract<RegistryChange, { readonly type: 'removed' }>

/** The lease is asked for after the fact: a slow answer must not hold up the news. */
const askMs = 300
/** A thousand providers may vanish at once; the leases of the first ones are looked up. */
const mostLookups = 50

/**
 * Fills in what etcd can still tell of a removal: whether the lease that the key was on is gone too.
 * Never rejects; the changes and their order stay as they are.
 */
export async function explainRemovals<Change extends { readonly type: string }>(
  client: EtcdClient,
  changes: readonly (Change | Removal)[],
  signal: AbortSignal,
): Promise<readonly (Change | Removal)[]> {
  const asked = changes.filter(isUnexplained).map(({ lease }) => lease)
  if (asked.length === 0) return changes
  const leases = [...new Set(asked)].slice(0, mostLookups)
  const causes = new Map(
    await Promise.all(
      leases.map(async (lease) => [lease, await causeFrom(client, lease, signal)] as const),
    ),
  )
  return changes.map((change) =>
    isUnexplained(change) ? { ...change, cause: causes.get(change.lease) ?? 'unknown' } : change,
  )
}

function isUnexplained(change: { readonly type: string } | Removal): change is Removal {
  return change.type === 'removed' && 'cause' in change && change.cause === 'unknown'
}

async function causeFrom(
  client: EtcdClient,
  lease: string,
  signal: AbortSignal,
): Promise<RemovalCause> {
  try {
    const { remaining } = await client.leaseTimeToLive(lease, { signal, deadlineMs: askMs })
    return remaining < 0 ? 'lease-ended' : 'deleted'
  } catch {
    // What etcd cannot say in time stays unknown; the removal itself is certain.
    return 'unknown'
  }
}
