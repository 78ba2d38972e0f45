import type { ClusterDriver } from '../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../cluster/monitor.ts'
import type { Logger } from '../logger.ts'
import type { Shell } from '../shell/shell.ts'
import type { StartOptions } from './start-cluster.ts'

/** A shell together with what it works with. */
export interface ConnectedShell extends Shell {
  /** Ends what commands left behind: registrations, connections. */
  close(): Promise<void>
}

/** What a lab is made of; which adapters they are is decided where the server is wired. */
export interface LabParts {
  readonly driver: ClusterDriver
  readonly monitor: ClusterMonitor
  /** Brings the members up, or joins those that run. */
  start(options: StartOptions): Promise<void>
  /** Connects to the members; called once, when they serve. */
  openShell(): ConnectedShell
  /** Ends what is this lab's own. A cluster that it shares goes on. */
  close(): Promise<void>
}

/**
 * Makes the parts of a lab in a directory of its own, which they create and remove. No member has
 * been started yet. `logger` names the lab in every event.
 */
export type OpenLabParts = (place: {
  readonly id: string
  readonly dir: string
  readonly logger: Logger
}) => Promise<LabParts>
