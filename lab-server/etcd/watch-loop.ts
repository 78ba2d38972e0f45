import type { IRangeResponse, IStatusResponse } from 'etcd3/lib/rpc.js'
import { LabError, toLabError } from '../../protocol/index.ts'
import type { AuthSession } from './auth-session.ts'
import { BatchQueue } from './batch-queue.ts'
import type { EtcdConnection } from './connection.ts'
import type { KeyRange, WatchBatch } from './etcd-calls.ts'
import { isRecoverable, refusesAccess } from './etcd-errors.ts'
import {
  advanceMark,
  startMark,
  suspectHistory,
  type HistoryHeader,
  type HistoryMark,
} from './history.ts'
import { pause } from './pause.ts'
import type { Scout } from './scout.ts'
import { WatchSession } from './watch-session.ts'
import { toKeyRange, toRange } from './wire.ts'

/** How long to wait for the scout to name a member that answers, before trying the next in turn. */
const scoutingMs = 300
const shortestBackoffMs = 50
const longestBackoffMs = 500
/** A member that catches up looks like an older history; it is examined no more often. */
const examineEveryMs = 500
const examineDeadlineMs = 3000
/** Whoever was refused is not let in by asking often: checking a password costs a member much. */
const longestRefusedMs = 5000

type LoopOptions = KeyRange & {
  readonly fromRevision: string
  readonly signal: AbortSignal
  /** Null: etcd's refusals end the watch. */
  readonly auth: AuthSession | null
  /** Told of every refusal that a watch outlives. */
  readonly onTrouble: (error: LabError) => void
}

/** One watch over the life of many sessions, each going on where the one before it stopped. */
export class WatchLoop {
  readonly #connections: readonly EtcdConnection[]
  readonly #scout: Scout
  readonly #range: KeyRange
  readonly #auth: AuthSession | null
  readonly #onTrouble: (error: LabError) => void
  readonly #stop = new AbortController()
  readonly #queue = new BatchQueue((full) => this.#session?.setPaused(full))
  readonly #callerSignal: AbortSignal
  #next: bigint
  #mark: HistoryMark
  #examinedAt = -Infinity
  #session: WatchSession | null = null
  #wasConfirmed = false
  /** Since a session was confirmed, or since the last trouble. */
  #refusals = 0
  #troubles = 0
  /** Held from the end of a session until the next one is confirmed. */
  #unfollow: (() => void) | null = null

  constructor(connections: readonly EtcdConnection[], scout: Scout, options: LoopOptions) {
    this.#connections = connections
    this.#scout = scout
    this.#range = options
    this.#auth = options.auth
    this.#onTrouble = options.onTrouble
    this.#next = BigInt(options.fromRevision)
    this.#mark = startMark(this.#next - 1n)
    this.#callerSignal = options.signal
  }

  async *batches(): AsyncGenerator<WatchBatch, void, undefined> {
    const onAbort = (): void => this.#close()
    this.#callerSignal.addEventListener('abort', onAbort)
    const sessions = this.#runSessions()
    try {
      for (;;) {
        const batch = await this.#queue.next()
        if (batch === null || this.#callerSignal.aborted) return
        yield batch
      }
    } finally {
      this.#callerSignal.removeEventListener('abort', onAbort)
      this.#close()
      await sessions
    }
  }

  async #runSessions(): Promise<void> {
    let index = this.#scout.preferred
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const generation = this.#auth?.generation ?? 0
      const session = this.#startSession(index)
      if (session === null) break
      const end = await session.run()
      this.#next = session.next
      const reason = await this.#outlive(end, generation)
      if (reason === null) continue
      if (!isRecoverable(reason)) {
        this.#queue.end(reason.code === 'CLOSED' ? null : reason)
        break
      }
      failures = session.confirmed ? 1 : failures + 1
      if (failures > this.#connections.length)
        await pause(backoff(failures, longestBackoffMs), this.#stop.signal)
      index = await this.#findMember(index)
    }
    this.#release()
    this.#session = null
  }

  #startSession(index: number): WatchSession | null {
    const connection = this.#connections[index]
    if (connection === undefined) return null
    const session = new WatchSession({
      connection,
      range: this.#range,
      next: this.#next,
      isSuspect: () => this.#scout.isLooking && this.#scout.isSilent(index),
      onConfirmed: () => this.#onConfirmed(connection),
      onHeader: (header) => this.#checkHistory(connection, header),
      onBatch: (batch) => this.#queue.push(batch),
    })
    session.setPaused(this.#queue.isFull)
    this.#session = session
    return session
  }

  /** False when the member belongs to another cluster than before. */
  #checkHistory(connection: EtcdConnection, header: HistoryHeader): boolean {
    const suspicion = suspectHistory(this.#mark, header)
    if (suspicion === null) this.#mark = advanceMark(this.#mark, header)
    else if (performance.now() - this.#examinedAt >= examineEveryMs) void this.#examine(connection)
    return suspicion !== 'other-cluster'
  }

  /** Ends the watch when what a member says once it is up to date is of another history. */
  async #examine(connection: EtcdConnection): Promise<void> {
    this.#examinedAt = performance.now()
    // What is heard while the member is being asked may well be newer than its answer.
    const before = this.#mark
    const facts = await readHistory(connection, this.#range)
    if (facts === null || this.#stop.signal.aborted) return
    if (suspectHistory(before, facts) === null) {
      this.#mark = advanceMark(this.#mark, facts)
      return
    }
    const error = historyChanged(before, facts)
    this.#stop.abort()
    this.#queue.end(error)
    this.#session?.stop(error)
  }

  #onConfirmed(connection: EtcdConnection): void {
    this.#wasConfirmed = true
    this.#refusals = 0
    this.#troubles = 0
    this.#release()
    void this.#examine(connection)
  }

  /**
   * Null when the watch goes on, with the same member: etcd refused the token, or the user of a
   * watch that has run before. Else why it does not. A refusal at the very beginning is the caller's
   * to hear.
   */
  async #outlive(end: LabError, generation: number): Promise<LabError | null> {
    if (this.#auth === null || !refusesAccess(end)) return end
    this.#refusals += 1
    const refusal = this.#refusals === 1 ? await this.#renewToken(this.#auth, generation) : end
    if (refusal === null || this.#stop.signal.aborted) return null
    if (!this.#wasConfirmed || refusal.code !== 'ETCD_REFUSED') return refusal
    this.#onTrouble(refusal)
    this.#refusals = 0
    this.#troubles += 1
    await pause(backoff(this.#troubles, longestRefusedMs), this.#stop.signal)
    return null
  }

  /** Null when there is a new one. */
  async #renewToken(auth: AuthSession, generation: number): Promise<LabError | null> {
    const stopped = Promise.withResolvers<null>()
    const onStop = (): void => stopped.resolve(null)
    this.#stop.signal.addEventListener('abort', onStop)
    const renewal = auth.renew(generation).then(() => null, toLabError)
    const failure = await Promise.race([renewal, stopped.promise])
    this.#stop.signal.removeEventListener('abort', onStop)
    return failure
  }

  /** The first member other than `previous` that answers; without any answer the next in turn. */
  async #findMember(previous: number): Promise<number> {
    const count = this.#connections.length
    const found = Promise.withResolvers<number | null>()
    const look = (): void => {
      for (let step = 1; step < count; step += 1) {
        const index = (previous + step) % count
        if (this.#scout.answers(index)) found.resolve(index)
      }
    }
    this.#release()
    this.#unfollow = this.#scout.follow(look)
    look()
    const timer = setTimeout(() => found.resolve(null), scoutingMs)
    const onStop = (): void => found.resolve(null)
    this.#stop.signal.addEventListener('abort', onStop)
    const index = await found.promise
    clearTimeout(timer)
    this.#stop.signal.removeEventListener('abort', onStop)
    return index ?? (previous + 1) % count
  }

  #release(): void {
    this.#unfollow?.()
    this.#unfollow = null
  }

  #close(): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#queue.end(null)
    this.#session?.stop(new LabError('CLOSED', 'the watch was ended'))
  }
}

/** What this member says once a linearizable read has brought it up to date; null = it cannot. */
async function readHistory(
  connection: EtcdConnection,
  range: KeyRange,
): Promise<HistoryHeader | null> {
  try {
    const { header } = await readFirstKey(connection, range)
    const status = await readStatus(connection)
    const { cluster_id, revision } = status?.header ?? header
    return { cluster_id, revision, ...(status !== null && { raftIndex: status.raftIndex }) }
  } catch {
    // Without a quorum nobody can say; the next header or the next session raises the question again.
    return null
  }
}

/** A linearizable read that costs next to nothing, of a key that whoever may watch it may read. */
function readFirstKey(connection: EtcdConnection, range: KeyRange): Promise<IRangeResponse> {
  const request = toRange({ key: toKeyRange(range).key, countOnly: true })
  return connection.unary<IRangeResponse>('KV', 'range', request, examineDeadlineMs).answer
}

/** Null when it is refused: with authentication on, Status is for root alone. */
async function readStatus(connection: EtcdConnection): Promise<IStatusResponse | null> {
  try {
    return await connection.unary<IStatusResponse>('Maintenance', 'status', {}, examineDeadlineMs)
      .answer
  } catch (error) {
    if (refusesAccess(toLabError(error))) return null
    throw error
  }
}

function historyChanged(mark: HistoryMark, facts: HistoryHeader): LabError {
  const { cluster_id: cluster, revision, raftIndex } = facts
  return new LabError(
    'HISTORY_CHANGED',
    `cluster ${cluster} is at revision ${revision}, Raft index ${raftIndex ?? 'unknown'}; what was followed is cluster ${mark.clusterId ?? 'unknown'} at revision ${mark.revision}, Raft index ${mark.raftIndex}`,
    { details: { revision, next: (mark.revision + 1n).toString() } },
  )
}

function backoff(failures: number, longestMs: number): number {
  const ceiling = Math.min(shortestBackoffMs * 2 ** Math.min(failures, 8), longestMs)
  return ceiling * (0.5 + Math.random() / 2)
}
