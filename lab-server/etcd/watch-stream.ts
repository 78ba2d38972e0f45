import { setImmediate as nextTurn } from 'node:timers/promises'
import type { IRangeResponse, IStatusResponse } from 'etcd3/lib/rpc.js'
import { LabError, toLabError } from '../../protocol/index.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { AuthSession } from './auth-session.ts'
import { callWithToken } from './call-with-token.ts'
import type { EtcdConnection } from './connection.ts'
import type { KeyRange } from './etcd-calls.ts'
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
import { WatchSession, type WatchCursor } from './watch-session.ts'
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

export interface WatchStreamOptions {
  readonly connections: readonly EtcdConnection[]
  readonly scout: Scout
  /** Null: etcd's refusals end the watches. */
  readonly auth: AuthSession | null
  /** Told of every refusal that a watch outlives. */
  readonly onTrouble: (error: LabError) => void
  readonly telemetry: Telemetry
}

/** One watch of a stream. */
export interface StreamWatch extends WatchCursor {
  /** It goes no further; null = the stream was closed. Not called for what was removed. */
  readonly onEnd: (error: LabError | null) => void
}

/**
 * Watches that share a stream, over the life of many sessions, each going on where the one before it
 * stopped. Runs while it has watches; may begin anew after that.
 */
export class WatchStream {
  readonly #connections: readonly EtcdConnection[]
  readonly #scout: Scout
  readonly #auth: AuthSession | null
  readonly #onTrouble: (error: LabError) => void
  readonly #telemetry: Telemetry
  readonly #watches = new Map<string, StreamWatch>()
  #stop = new AbortController()
  #mark: HistoryMark = startMark(0n)
  #examinedAt = -Infinity
  #isPaused = false
  #session: WatchSession | null = null
  #running: Promise<void> | null = null
  #wasConfirmed = false
  /** Since a session was confirmed, or since the last trouble. */
  #refusals = 0
  #troubles = 0
  /** Held from the end of a session until the next one is confirmed. */
  #unfollow: (() => void) | null = null

  constructor({ connections, scout, auth, onTrouble, telemetry }: WatchStreamOptions) {
    this.#connections = connections
    this.#scout = scout
    this.#auth = auth
    this.#onTrouble = onTrouble
    this.#telemetry = telemetry
  }

  add(watch: StreamWatch): void {
    this.#watches.set(watch.id, watch)
    if (this.#running === null) this.#start(watch)
    else this.#session?.add(watch)
  }

  remove(watch: StreamWatch): void {
    if (!this.#watches.delete(watch.id)) return
    this.#session?.remove(watch)
    if (this.#watches.size === 0) this.#end(null)
  }

  /** While paused nothing is read. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused
    this.#session?.setPaused(paused)
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#end(null)
    await this.#running
  }

  #start(first: StreamWatch): void {
    // What an earlier run has learnt of the cluster still holds.
    if (this.#mark.clusterId === null) this.#mark = startMark(first.next - 1n)
    this.#stop = new AbortController()
    this.#wasConfirmed = false
    this.#running = this.#runSessions().then(() => {
      this.#running = null
      // Added while the former run was ending.
      const [next] = this.#watches.values()
      if (next !== undefined) this.#start(next)
    })
  }

  async #runSessions(): Promise<void> {
    const { signal } = this.#stop
    const isOver = (): boolean => signal.aborted
    // Opening a stream takes long, and what has arrived already should not wait for it. Nothing is
    // missed: the watch begins at a revision, not at a moment.
    await nextTurn()
    let index = this.#scout.preferred
    let failures = 0
    while (!isOver()) {
      const generation = this.#auth?.generation ?? 0
      const session = this.#startSession(index)
      if (session === null) break
      const end = await session.run(this.#watches.values())
      if (isOver()) break
      const reason = await this.#outlive(end, generation)
      if (reason !== null && !isRecoverable(reason))
        this.#end(reason.code === 'CLOSED' ? null : reason)
      if (isOver()) break
      this.#telemetry.watchRestarted(end.code)
      if (reason === null) continue
      failures = session.confirmed ? 1 : failures + 1
      if (failures > this.#connections.length)
        await pause(backoff(failures, longestBackoffMs), signal)
      index = await this.#findMember(index)
    }
    this.#release()
    this.#session = null
  }

  /** Ends what runs, and tells every watch that it goes no further. */
  #end(error: LabError | null): void {
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    this.#stop.abort()
    this.#session?.stop(error ?? new LabError('CLOSED', 'the watch was ended'))
    for (const { onEnd } of watches) onEnd(error)
  }

  #startSession(index: number): WatchSession | null {
    const connection = this.#connections[index]
    if (connection === undefined) return null
    const session = new WatchSession({
      connection,
      isSuspect: () => this.#scout.isLooking && this.#scout.isSilent(index),
      onConfirmed: () => this.#onConfirmed(connection),
      onHeader: (header) => this.#checkHistory(connection, header),
      onCompacted: ({ id }, error) => this.#onCompacted(id, error),
    })
    session.setPaused(this.#isPaused)
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
    const { signal } = this.#stop
    // Whatever is watched: its user may read it.
    const [watch] = this.#watches.values()
    const facts = watch === undefined ? null : await this.#readHistory(connection, watch.range)
    if (facts === null || signal.aborted) return
    if (suspectHistory(before, facts) === null) {
      this.#mark = advanceMark(this.#mark, facts)
      return
    }
    this.#mark = startMark(0n)
    this.#end(historyChanged(before, facts))
  }

  #onCompacted(id: string, error: LabError): void {
    const watch = this.#watches.get(id)
    if (!this.#watches.delete(id)) return
    if (this.#watches.size === 0) this.#end(null)
    watch?.onEnd(error)
  }

  /** What this member says once it is up to date; null = it cannot. */
  async #readHistory(connection: EtcdConnection, range: KeyRange): Promise<HistoryHeader | null> {
    const read = (): Promise<HistoryHeader> => readHistory(connection, range)
    const auth = this.#auth
    try {
      if (auth === null) return await read()
      // The token of a watch that went on for long may have expired unnoticed.
      return await callWithToken(auth, read, (generation) => auth.renew(generation))
    } catch {
      // Without a quorum nobody can say; the next header or the next session raises the question again.
      return null
    }
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
    // Without a moment between the two: a question that the scout has asked stays asked.
    const unfollow = this.#scout.follow(look)
    this.#release()
    this.#unfollow = unfollow
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
}

/** What this member says once a linearizable read has brought it up to date. */
async function readHistory(connection: EtcdConnection, range: KeyRange): Promise<HistoryHeader> {
  const { header } = await readFirstKey(connection, range)
  const status = await readStatus(connection)
  const { cluster_id, revision, raft_term } = status?.header ?? header
  return { cluster_id, revision, raft_term, ...(status && { raftIndex: status.raftIndex }) }
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
  const { cluster_id: cluster, revision, raft_term: term, raftIndex } = facts
  return new LabError(
    'HISTORY_CHANGED',
    `cluster ${cluster} is at revision ${revision}, term ${term}, Raft index ${raftIndex ?? 'unknown'}; what was followed is cluster ${mark.clusterId ?? 'unknown'} at revision ${mark.revision}, term ${mark.term}, Raft index ${mark.raftIndex}`,
    { details: { revision, next: (mark.revision + 1n).toString() } },
  )
}

function backoff(failures: number, longestMs: number): number {
  const ceiling = Math.min(shortestBackoffMs * 2 ** Math.min(failures, 8), longestMs)
  return ceiling * (0.5 + Math.random() / 2)
}
