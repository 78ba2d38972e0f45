import type { Completion, Locale } from '../../protocol/index.ts'
import type { ClusterDriver } from '../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../cluster/monitor.ts'
import type { CommandRunner } from './terminal.ts'

/** What a lab needs of the shell. */
export interface LabShell extends CommandRunner {
  complete(
    line: string,
    cursor: number,
    locale: Locale,
  ): Promise<{ readonly from: number; readonly candidates: readonly Completion[] }>
  /** Ends what commands left behind: registrations, connections. */
  close(): Promise<void>
}

/** What a lab is made of; which adapters they are is decided where the server is wired. */
export interface LabParts {
  readonly driver: ClusterDriver
  readonly monitor: ClusterMonitor
  /** Connects to the members; called once, when they serve. */
  openShell(): LabShell
}

/**
 * Makes the parts of a lab in a directory of its own, which the driver creates and removes. No
 * member has been started yet.
 */
export type OpenLabParts = (dir: string) => Promise<LabParts>
