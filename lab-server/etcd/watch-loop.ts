import type { IStatusResponse } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import { BatchQueue } from './batch-queue.ts'
import type { EtcdConnection } from './connection.ts'
import type { Bytes, KeyRange, WatchBatch } from './etcd-calls.ts'
import { isRecoverable } from './etcd-errors.ts'
import {
  advanceMark,
  startMark,
  suspectHistory,
  type HistoryFacts,
  type HistoryHeader,
  type HistoryMark,
} from './history.ts'
import { pause } from './pause.ts'
import type { Scout } from './scout.ts'
import { WatchSession } from './watch-session.ts'
import { toRange } from './wire.ts'

/** How long to wait for the scout to name a member that answers, before trying the next in turn. */
const scoutingMs = 300
const shortestBackoffMs = 50
const longestBackoffMs = 500
/** A member that catches up looks like an older history; it is examined no more often. */
const examineEveryMs = 500
const examineDeadlineMs = 3000

type LoopOptions = KeyRange & { readonly fromRevision: string; readonly signal: AbortSignal }

/** One watch over the life of many sessions, each going on where the one before it stopped. */
export class WatchLoop {
  readonly #connections: readonly EtcdConnection[]
  readonly #scout: Scout
  readonly #range: KeyRange
  readonly #stop = new AbortController()
  readonly #queue = new BatchQueue((full) => this.#session?.setPaused(full))
  readonly #callerSignal: AbortSignal
  #next: bigint
  #mark: HistoryMark
  #examinedAt = -Infinity
  #wasExamined = false
  #session: WatchSession | null = null
  /** Held from the end of a session until the next one is confirmed. */
  #unfollow: (() => void) | null = null

  constructor(connections: readonly EtcdConnection[], scout: Scout, options: LoopOptions) {
    this.#connections = connections
    this.#scout = scout
    this.#range = options
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
      const session = this.#startSession(index)
      if (session === null) break
      const end = await session.run()
      this.#next = session.next
      if (!isRecoverable(end)) {
        this.#queue.end(end.code === 'CLOSED' ? null : end)
        break
      }
      failures = session.confirmed ? 1 : failures + 1
      if (failures > this.#connections.length) await pause(backoff(failures), this.#stop.signal)
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
      onConfirmed: () => {
        this.#release()
        void this.#examine(connection)
      },
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
    const facts = await readHistory(connection, {
      range: this.#range,
      isFirst: !this.#wasExamined,
    })
    if (facts === null || this.#stop.signal.aborted) return
    this.#wasExamined = true
    if (suspectHistory(before, facts) === null) {
      this.#mark = advanceMark(this.#mark, facts)
      return
    }
    const error = historyChanged(before, facts)
    this.#stop.abort()
    this.#queue.end(error)
    this.#session?.stop(error)
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

/**
 * What this member says after a linearizable read; null when it cannot be asked now. Before there is
 * a history to compare with, whatever it says will do.
 */
async function readHistory(
  connection: EtcdConnection,
  { range, isFirst }: { readonly range: KeyRange; readonly isFirst: boolean },
): Promise<HistoryFacts | null> {
  try {
    if (!isFirst) {
      const request = toRange({ key: firstKey(range), countOnly: true })
      await connection.unary('KV', 'range', request, examineDeadlineMs).answer
    }
    const status = connection.unary<IStatusResponse>('Maintenance', 'status', {}, examineDeadlineMs)
    const { header, raftIndex } = await status.answer
    return { cluster_id: header.cluster_id, revision: header.revision, raftIndex }
  } catch {
    // Without a quorum nobody can say; the next header or the next session raises the question again.
    return null
  }
}

/** One that whoever may watch the range may read. */
function firstKey(range: KeyRange): Bytes {
  if ('key' in range) return range.key
  return 'prefix' in range ? range.prefix : range.from
}

function historyChanged(mark: HistoryMark, facts: HistoryFacts): LabError {
  const { cluster_id: cluster, revision, raftIndex } = facts
  return new LabError(
    'HISTORY_CHANGED',
    `cluster ${cluster} is at revision ${revision}, Raft index ${raftIndex}; what was followed is cluster ${mark.clusterId ?? 'unknown'} at revision ${mark.revision}, Raft index ${mark.raftIndex}`,
    { details: { revision, next: (mark.revision + 1n).toString() } },
  )
}

function backoff(failures: number): number {
  const ceiling = Math.min(shortestBackoffMs * 2 ** Math.min(failures, 8), longestBackoffMs)
  return ceiling * (0.5 + Math.random() / 2)
}
