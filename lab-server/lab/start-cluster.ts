import { LabError } from '../../protocol/index.ts'
import type { LabParts } from './lab-parts.ts'

/** How long a lab waits for the leader of a cluster that it joins. */
const joinMs = 3000

export interface StartProgress {
  readonly membersUp: number
  readonly membersTotal: number
  readonly leader: string | null
}

export interface StartOptions {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly onProgress: (progress: StartProgress) => void
}

/**
 * Starts every member at once (none serves before a majority is there) and waits until all name the
 * same leader. Rejects with the error of the first member that failed, `TIMEOUT`, or the reason of
 * `signal`.
 */
export async function startCluster(
  { driver, monitor }: Pick<LabParts, 'driver' | 'monitor'>,
  { signal, timeoutMs, onProgress }: StartOptions,
): Promise<void> {
  const names = driver.members().map((member) => member.name)
  const countUp = () => driver.members().filter((member) => member.state === 'running').length
  const report = (leader: string | null) =>
    onProgress({ membersUp: countUp(), membersTotal: names.length, leader })
  const stopListening = driver.onChange(() => report(null))
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    report(null)
    await Promise.all(names.map((name) => driver.start(name, { signal: deadline })))
    report(await monitor.waitForLeader({ timeoutMs, signal: deadline }))
  } catch (error) {
    signal.throwIfAborted()
    if (!deadline.aborted) throw error
    const message = `The cluster did not start within ${timeoutMs} ms; ${countUp()} of ${names.length} members are up`
    throw new LabError('TIMEOUT', message, { cause: error })
  } finally {
    stopListening()
  }
}

/**
 * Joins a cluster that others may be using: starts nothing, and takes it as it is. One without a
 * leader is joined all the same, so that its reader sees why and can bring members back.
 */
export async function joinCluster(
  { driver, monitor }: Pick<LabParts, 'driver' | 'monitor'>,
  { signal, onProgress }: StartOptions,
): Promise<void> {
  const members = driver.members()
  const membersUp = members.filter((member) => member.state === 'running').length
  const report = (leader: string | null) =>
    onProgress({ membersUp, membersTotal: members.length, leader })
  report(null)
  try {
    report(await monitor.waitForLeader({ timeoutMs: joinMs, signal }))
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof LabError) || error.code !== 'TIMEOUT') throw error
  }
}
