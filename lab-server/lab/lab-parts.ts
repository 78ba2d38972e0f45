import type { ClusterDriver } from '../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../cluster/monitor.ts'
import type { Logger } from '../logger.ts'
import type { Shell } from '../shell/shell.ts'

/** A shell together with what it works with. */
export interface ConnectedShell extends Shell {
  /** Ends what commands left behind: registrations, connections. */
  close(): Promise<void>
}

/** What a lab is made of; which adapters they are is decided where the server is wired. */
export interface LabParts {
  readonly driver: ClusterDriver
  readonly monitor: ClusterMonitor
  /** Connects to the members; called once, when they serve. */
  openShell(): ConnectedShell
}

/**
 * Makes the parts of a lab in a directory of its own, which the driver creates and removes. No
 * member has been started yet. `logger` names the lab in every event.
 */
export type OpenLabParts = (place: {
  readonly dir: string
  readonly logger: Logger
}) => Promise<LabParts>
