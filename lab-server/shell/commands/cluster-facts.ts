import type { ClusterSnapshot } from '../../../protocol/index.ts'
import type { ClusterDriver } from '../../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../../cluster/monitor.ts'
import { countQuorum } from '../../cluster/quorum.ts'
import type { CommandOutput } from '../command.ts'
import type { Messages } from '../messages/en.ts'

/** From what the driver sees now: a snapshot may be a second old. */
export function quorumNow(driver: ClusterDriver): ClusterSnapshot['quorum'] {
  return countQuorum(driver.members().map((member) => member.state))
}

const freshMs = 1000

/**
 * The first snapshot made from now on (a new listener makes the monitor ask every member at once),
 * or the latest one when none comes within a second.
 */
export function freshSnapshot(monitor: ClusterMonitor): Promise<ClusterSnapshot> {
  return new Promise((resolve) => {
    const finish = (snapshot: ClusterSnapshot) => {
      clearTimeout(timer)
      stop()
      resolve(snapshot)
    }
    const timer = setTimeout(() => finish(monitor.snapshot()), freshMs)
    const stop = monitor.watch((snapshot) => queueMicrotask(() => finish(snapshot)))
  })
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
  output.print(m.cluster.quorumMeaning)
  output.print(m.cluster.bringBack({ commands: commandsBack(driver) }))
}
