import { LabError, type ClusterSnapshot } from '../../../protocol/index.ts'
import type { ClusterDriver } from '../../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../../cluster/monitor.ts'
import { countQuorum } from '../../cluster/quorum.ts'
import type { CommandOutput } from '../command.ts'
import type { Messages } from '../messages/en.ts'

/** From what the driver sees now: a snapshot may be a second old. */
export function quorumNow(driver: ClusterDriver): ClusterSnapshot['quorum'] {
  return countQuorum(driver.members().map((member) => member.state))
}

/** A snapshot after every member has been asked anew: the latest one may be a second old. */
export async function freshSnapshot(monitor: ClusterMonitor): Promise<ClusterSnapshot> {
  try {
    await monitor.resolve('leader')
  } catch (error) {
    // That nobody leads is a fact like any other, and the snapshot says it.
    if (!(error instanceof LabError) || error.code !== 'NO_LEADER') throw error
  }
  return monitor.snapshot()
}

/** The commands that bring every absent member back: `start etcd2, resume etcd3`. */
function commandsBack(driver: ClusterDriver): string {
  return driver
    .members()
    .filter((member) => member.state !== 'running')
    .map(({ name, state }) => (state === 'paused' ? `resume ${name}` : `start ${name}`))
    .join(', ')
}

/** Whether the majority is there, and if not, what that means and how to get it back. */
export function printQuorum(output: CommandOutput, m: Messages, driver: ClusterDriver) {
  const quorum = quorumNow(driver)
  if (quorum.held) {
    output.print(m.cluster.quorumHeld(quorum), 'good')
    return
  }
  output.print(m.cluster.quorumLost(quorum), 'bad')
  output.print(quorum.running === 0 ? m.cluster.nobodyRuns : m.cluster.quorumMeaning)
  output.print(m.cluster.bringBack({ commands: commandsBack(driver) }))
}
