import { setTimeout as delay } from 'node:timers/promises'
import { LabError, type ProcessState } from '../../protocol/index.ts'
import { answersVersion, type Listener } from './member-health.ts'

const answerMs = 250
const retryMs = 10

export interface ServingWait {
  readonly name: string
  readonly client: Listener
  /** Null where it cannot be reached from here. */
  readonly peer: Listener | null
  /** Of every member of the cluster, now. */
  readonly states: () => readonly ProcessState[]
  /** How the member ended while it was waited for; null while it has not. */
  readonly ended: () => string | null
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Aborts when the driver closes. */
  readonly closing: AbortSignal
  readonly failure: (reason: string) => Promise<LabError>
}

/**
 * Resolves when the member serves. Rejects `CLOSED`, `INTERRUPTED`, or with what `failure` makes of
 * a member that ended or took too long.
 */
export async function untilServes(wait: ServingWait): Promise<void> {
  const limit = performance.now() + wait.timeoutMs
  for (;;) {
    throwIfGivenUp(wait)
    if (await serves(wait)) return
    throwIfGivenUp(wait)
    const end = wait.ended()
    if (end !== null) throw await wait.failure(end)
    if (performance.now() > limit) {
      throw await wait.failure(`it did not serve within ${wait.timeoutMs} ms`)
    }
    await delay(retryMs)
  }
}

function throwIfGivenUp({ name, closing, signal }: ServingWait): void {
  if (closing.aborted) throw new LabError('CLOSED', 'The cluster is closed')
  if (signal?.aborted === true) {
    throw new LabError('INTERRUPTED', `The start of ${name} was interrupted`)
  }
}

/**
 * A member answers its clients once it has joined a cluster with a leader. Where too few processes
 * run for that, it serves as well as it can when its peers reach it: a reader who lost all three
 * brings them back one by one.
 */
async function serves({ client, peer, states, ended }: ServingWait): Promise<boolean> {
  if (await answersVersion(client, answerMs)) return true
  if (enoughForQuorum(states()) || ended() !== null) return false
  return peer === null || (await answersVersion(peer, answerMs))
}

function enoughForQuorum(states: readonly ProcessState[]): boolean {
  const up = states.filter((state) => state === 'running' || state === 'starting')
  return up.length > states.length / 2
}
