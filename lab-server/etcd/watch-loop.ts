import { LabError } from '../../protocol/index.ts'
import { BatchQueue } from './batch-queue.ts'
import type { EtcdConnection } from './connection.ts'
import type { KeyRange, WatchBatch } from './etcd-calls.ts'
import { isRecoverable } from './etcd-errors.ts'
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

/** How long to wait for the scout to name a member that answers, before trying the next in turn. */
const scoutingMs = 300
const shortestBackoffMs = 50
const longestBackoffMs = 500
/** A member that catches up looks like an older history; the cluster is asked no more often. */
const doubtEveryMs = 500

type LoopOptions = KeyRange & {
  readonly fromRevision: string
  readonly signal: AbortSignal
  /** The header of a linearizable read: what the cluster as a whole says. */
  readonly askCluster: (signal: AbortSignal) => Promise<HistoryHeader>
}

/** One watch over the life of many sessions, each going on where the one before it stopped. */
export class WatchLoop {
  readonly #connections: readonly EtcdConnection[]
  readonly #scout: Scout
  readonly #range: KeyRange
  readonly #stop = new AbortController()
  readonly #queue = new BatchQueue((full) => this.#session?.setPaused(full))
  readonly #callerSignal: AbortSignal
  readonly #askCluster: LoopOptions['askCluster']
  #next: bigint
  #mark: HistoryMark
  #doubtedAt = -Infinity
  #session: WatchSession | null = null
  /** Held from the end of a session until the next one is confirmed. */
  #unfollow: (() => void) | null = null

  constructor(connections: readonly EtcdConnection[], scout: Scout, options: LoopOptions) {
    this.#connections = connections
    this.#scout = scout
    this.#range = options
    this.#askCluster = options.askCluster
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
      onConfirmed: () => this.#release(),
      onHeader: (header) => this.#checkHistory(header),
      onBatch: (batch) => this.#queue.push(batch),
    })
    session.setPaused(this.#queue.isFull)
    this.#session = session
    return session
  }

  /** False when the member belongs to another cluster than before. */
  #checkHistory(header: HistoryHeader): boolean {
    const suspicion = suspectHistory(this.#mark, header)
    if (suspicion === null) this.#mark = advanceMark(this.#mark, header)
    else void this.#doubt()
    return suspicion !== 'other-cluster'
  }

  /** Ends the watch when the cluster as a whole says that its history is another one. */
  async #doubt(): Promise<void> {
    const now = performance.now()
    if (now - this.#doubtedAt < doubtEveryMs) return
    this.#doubtedAt = now
    let header: HistoryHeader
    try {
      header = await this.#askCluster(this.#stop.signal)
    } catch {
      // Nobody can say so now; the next header of that member raises the doubt again.
      return
    }
    if (suspectHistory(this.#mark, header) === null) return
    const error = historyChanged(this.#mark, header)
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

function historyChanged(mark: HistoryMark, header: HistoryHeader): LabError {
  return new LabError(
    'HISTORY_CHANGED',
    `cluster ${header.cluster_id} is at revision ${header.revision}; what was followed is cluster ${mark.clusterId ?? 'unknown'} at revision ${mark.revision}`,
    { details: { revision: header.revision, next: (mark.revision + 1n).toString() } },
  )
}

function backoff(failures: number): number {
  const ceiling = Math.min(shortestBackoffMs * 2 ** Math.min(failures, 8), longestBackoffMs)
  return ceiling * (0.5 + Math.random() / 2)
}
