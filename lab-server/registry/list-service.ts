import type { EtcdClient } from '../etcd/etcd-client.ts'
import { listedView, type ServiceView } from './view.ts'

/** Everything under the prefix, as one linearizable Range shows it: now, or at `revision`. */
export async function listService(
  client: EtcdClient,
  prefix: string,
  options: { signal: AbortSignal; revision?: string },
): Promise<ServiceView> {
  const { signal, revision } = options
  const request = { prefix, ...(revision !== undefined && { revision }) }
  const { kvs, header } = await client.range(request, { signal })
  return listedView(prefix, kvs, revision ?? header.revision)
}
