import { setTimeout as delay } from 'node:timers/promises'
import type { EtcdCluster } from './etcd-cluster.ts'

/**
 * Takes the leader away and asks the survivors every few milliseconds. Milliseconds from the moment
 * `fault` is done to the first survivor that names another leader.
 */
export async function measureLeaderless(
  cluster: EtcdCluster,
  leader: string,
  fault: () => Promise<void>,
): Promise<number> {
  const survivors = cluster.members.filter((member) => member.name !== leader)
  const lost = cluster.members.find((member) => member.name === leader)
  const lostId = (await lost?.direct.status({ deadlineMs: 1000 }))?.memberId
  await fault()
  const start = performance.now()
  const found = Promise.withResolvers<number>()
  let looking = true
  const ask = async (member: (typeof survivors)[number]): Promise<void> => {
    let last = 'nothing'
    while (looking && performance.now() - start < 20_000) {
      try {
        const { leaderId } = await member.direct.status({ deadlineMs: 200 })
        if (leaderId !== null && leaderId !== lostId) found.resolve(performance.now() - start)
        last = leaderId ?? 'no leader'
      } catch (error) {
        last = String(error)
      }
      await delay(3)
    }
    if (looking) found.reject(new Error(`no new leader within 20 s; last seen: ${last}`))
  }
  const asking = Promise.all(survivors.map(ask))
  try {
    return await found.promise
  } finally {
    looking = false
    await asking
  }
}
