import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import type { ServiceId } from '../../lab-server/registry/registry.ts'
import { fillServices, instancesEach, serviceIds } from '../helpers/many-services.ts'
import type { BenchContext } from './benchmark.ts'
import { defaultRoom, startBenchCluster, type BenchCluster } from './lab-cluster.ts'

export const serviceCount = 1000
export const instanceCount = serviceCount * instancesEach

export interface ScaleCluster {
  readonly cluster: BenchCluster
  readonly ids: readonly ServiceId[]
  readonly leaderUrl: string
  close(): Promise<void>
}

/** Three members with 100,000 instances in 1,000 services. */
export async function startScaleCluster(context: BenchContext): Promise<ScaleCluster> {
  const cluster = await startBenchCluster(defaultRoom)
  try {
    const client = new EtcdClient({ endpoints: cluster.endpoints })
    const ids = serviceIds(serviceCount)
    context.progress(`writing ${instanceCount} instances of ${serviceCount} services`)
    await fillServices(client, ids)
    client.close()
    const leader = await cluster.settledLeader()
    const leaderUrl = cluster.members.find(({ name }) => name === leader.name)?.clientUrl ?? ''
    return { cluster, ids, leaderUrl, close: () => cluster.close() }
  } catch (error) {
    await cluster.close()
    throw error
  }
}
