import { LabError, type ClusterSnapshot, type ErrorCode } from '../../../protocol/index.ts'
import type { ClusterDriver } from '../../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../../cluster/monitor.ts'
import { countQuorum } from '../../cluster/quorum.ts'
import type { CommandOutput } from '../command.ts'
import { isAuthRefusal } from '../etcd-hints.ts'
import type { Messages } from '../messages/en.ts'
import { makeVisibleInline } from '../sanitize.ts'

/** From what the driver sees now: a snapshot may be a second old. */
export function quorumNow(driver: ClusterDriver): ClusterSnapshot['quorum'] {
  return countQuorum(driver.members().map((member) => member.state))
}

const leaderUnknown: ReadonlySet<ErrorCode> = new Set(['NO_LEADER', 'ETCD_REFUSED'])

/** A snapshot after every member has been asked anew: the latest one may be a second old. */
export async function freshSnapshot(monitor: ClusterMonitor): Promise<ClusterSnapshot> {
  try {
    await monitor.resolve('leader')
  } catch (error) {
    // That nobody leads, or says who does, is a fact like any other, and the snapshot says it.
    if (!(error instanceof LabError) || !leaderUnknown.has(error.code)) throw error
  }
  return monitor.snapshot()
}

/** `words`, unless the members refuse to say who leads: then that, and why. */
export function printNoLeader(
  output: CommandOutput,
  m: Messages,
  snapshot: ClusterSnapshot,
  words: string = m.cluster.noLeader,
) {
  const refusing = snapshot.members.find(({ refusal }) => refusal !== undefined)
  if (refusing?.refusal === undefined) {
    output.print(words, 'warn')
    return
  }
  const reason = makeVisibleInline(refusing.refusal)
  output.print(m.cluster.untold({ member: refusing.name, reason }), 'warn')
  if (isAuthRefusal(refusing.refusal)) output.print(m.shell.authOn, 'warn')
}

/** The commands that bring every absent member back: `start etcd2, resume etcd3`. */
function commandsBack(driver: ClusterDriver, m: Messages): string {
  return driver
    .members()
    .filter((member) => member.state !== 'running')
    .map(({ name, state }) => (state === 'paused' ? `resume ${name}` : `start ${name}`))
    .join(m.listSeparator)
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
  output.print(m.cluster.bringBack({ commands: commandsBack(driver, m) }))
}
