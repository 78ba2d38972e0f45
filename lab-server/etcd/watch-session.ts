import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { IEvent, IWatchRequest, IWatchResponse } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import type { EtcdConnection } from './connection.ts'
import type { KeyRange, WatchBatch, WatchEvent } from './etcd-calls.ts'
import { fromGrpcError, isRecoverable } from './etcd-errors.ts'
import type { HistoryHeader } from './history.ts'
import { probeMember } from './probe.ts'
import { fromKeyValue, fromOptionalKeyValue, toKeyRange } from './wire.ts'

/** A member that has not confirmed the watch by then is frozen or gone, milliseconds. */
const confirmMs = 1000
/**
 * After so much silence the member is asked for a sign of life, milliseconds. Above a second, so
 * that members which report their progress every second are not asked at all ...
 */
const askAfterMs = 1200
/** ... and after so much it is given up. */
const giveUpAfterMs = 2200
/** It is given up earlier when others have found that it does not answer. */
const suspectAfterMs = 300
const checkMs = 150
/** The number under which a member tells of every watch of the stream. */
const everyWatch = '-1'

/** Where one watch has got to, over the life of many sessions. */
export interface WatchCursor {
  /** Decimal, not 0; one of its own within its stream. */
  readonly id: string
  readonly range: KeyRange
  /** The first revision that has not been delivered. */
  next: bigint
  /** etcd tells by itself, from time to time, how far it has seen. */
  readonly wantsProgress: boolean
  readonly onBatch: (batch: WatchBatch) => void
}

interface SessionOptions {
  readonly connection: EtcdConnection
  /** True when this member is known not to answer anybody. */
  readonly isSuspect: () => boolean
  readonly onConfirmed: () => void
  /** Sees every header first. False: the answer is of another cluster, and nothing in it counts. */
  readonly onHeader: (header: HistoryHeader) => boolean
  /** What comes next for this one is gone; the session goes on without it. */
  readonly onCompacted: (cursor: WatchCursor, error: LabError) => void
}

/** A watch as this session knows it. */
interface Tracked {
  readonly cursor: WatchCursor
  readonly askedAt: number
  confirmed: boolean
  fragments: IEvent[]
}

/**
 * Any number of watches over one stream to one member, from its opening to its end. The end is always
 * an error: see `run`.
 */
export class WatchSession {
  readonly #options: SessionOptions
  readonly #ended = Promise.withResolvers<LabError>()
  readonly #watches = new Map<string, Tracked>()
  #stream: ClientDuplexStream<IWatchRequest, IWatchResponse> | null = null
  #confirmed = false
  #asked = false
  /** Confirmed when progress was last asked for: the answer says nothing of any other. */
  #askedOf: readonly Tracked[] = []
  #paused = false
  #isOver = false
  #heardAt = performance.now()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /**
   * Resolves with why the session ended: `UNAVAILABLE`, `NO_LEADER` or `TIMEOUT` when another
   * member may go on from where the cursors are, anything else when nobody can.
   */
  async run(cursors: Iterable<WatchCursor>): Promise<LabError> {
    const check = setInterval(() => this.#check(), checkMs)
    try {
      this.#open()
      for (const cursor of cursors) this.add(cursor)
    } catch (error) {
      this.#end(fromGrpcError(error, 'watch'))
    }
    const end = await this.#ended.promise
    clearInterval(check)
    this.#stream?.cancel()
    return end
  }

  /** The member has confirmed a watch. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  add(cursor: WatchCursor): void {
    if (this.#isOver) return
    const askedAt = performance.now()
    this.#watches.set(cursor.id, { cursor, askedAt, confirmed: false, fragments: [] })
    this.#stream?.write({
      create_request: {
        ...toKeyRange(cursor.range),
        watch_id: cursor.id,
        start_revision: cursor.next.toString(),
        progress_notify: cursor.wantsProgress,
        prev_kv: true,
        // Without it a large batch would not fit into one message.
        fragment: true,
      },
    })
  }

  remove(cursor: WatchCursor): void {
    if (this.#isOver || !this.#watches.delete(cursor.id)) return
    this.#stream?.write({ cancel_request: { watch_id: cursor.id } })
  }

  /** While paused nothing is read, so silence means nothing either. */
  setPaused(paused: boolean): void {
    this.#paused = paused
    this.#heardAt = performance.now()
    if (paused) this.#stream?.pause()
    else this.#stream?.resume()
  }

  stop(reason: LabError): void {
    this.#end(reason)
  }

  #open(): void {
    const { connection } = this.#options
    const stream = connection.stream<IWatchRequest, IWatchResponse>('Watch', 'watch', {
      requireLeader: true,
    })
    this.#stream = stream
    // Stays attached: cancelling a stream makes it report one last error.
    stream.on('error', (error) => this.#end(fromGrpcError(error, `watch on ${connection.url}`)))
    stream.on('end', () => this.#end(this.#broken('ended by the member')))
    stream.on('data', (message: IWatchResponse) => this.#onMessage(message))
    if (this.#paused) stream.pause()
  }

  #onMessage(message: IWatchResponse): void {
    if (this.#isOver) return
    if (!this.#belongs(message.header)) return
    this.#hear()
    const tracked = this.#watches.get(message.watch_id)
    if (message.canceled) this.#onCancelled(message, tracked)
    else if (message.created) this.#onCreated(tracked)
    else if (tracked !== undefined) this.#onNews(message, tracked)
    else if (message.watch_id === everyWatch) this.#onProgress(BigInt(message.header.revision))
  }

  #hear(): void {
    this.#heardAt = performance.now()
    this.#asked = false
  }

  #onCreated(tracked: Tracked | undefined): void {
    // It may have been removed meanwhile.
    if (tracked !== undefined) tracked.confirmed = true
    if (this.#confirmed) return
    this.#confirmed = true
    this.#options.onConfirmed()
  }

  #onNews(message: IWatchResponse, tracked: Tracked): void {
    if (message.fragment) {
      tracked.fragments.push(...message.events)
      return
    }
    const events = [...tracked.fragments, ...message.events]
    tracked.fragments = []
    if (events.length > 0) deliver(tracked.cursor, events)
    else deliverProgress(tracked.cursor, BigInt(message.header.revision))
  }

  /**
   * Nothing happened up to this revision that was not told. Of a watch that was asked for later than
   * the progress etcd may still have older news, though it is confirmed: the confirmation comes by
   * another way than the news, and may come first.
   */
  #onProgress(revision: bigint): void {
    for (const tracked of this.#askedOf) {
      const { cursor } = tracked
      if (this.#watches.get(cursor.id) === tracked) deliverProgress(cursor, revision)
    }
  }

  #check(): void {
    if (this.#paused) return
    const silence = performance.now() - this.#heardAt
    if (silence > confirmMs && this.#isUnconfirmed()) this.#end(this.#broken('not confirmed'))
    else if (silence > giveUpAfterMs) this.#end(this.#broken('silent'))
    else if (silence > suspectAfterMs && this.#options.isSuspect()) {
      this.#end(this.#broken('silent, as others found too'))
    } else if (this.#confirmed && silence > askAfterMs && !this.#asked) {
      this.#asked = true
      this.#askedOf = [...this.#watches.values()].filter(({ confirmed }) => confirmed)
      this.#stream?.write({ progress_request: {} })
      void this.#askRevision()
    }
  }

  #isUnconfirmed(): boolean {
    const longest = performance.now() - confirmMs
    return [...this.#watches.values()].some((each) => !each.confirmed && each.askedAt < longest)
  }

  /**
   * etcd reports no progress to a watch that begins in its future, and while nothing is written
   * every watch that follows a list does. Then the member's revision, asked for on the very same
   * connection, is what shows that there is nothing to tell.
   */
  async #askRevision(): Promise<void> {
    const { connection } = this.#options
    const probe = probeMember(connection, { deadlineMs: askAfterMs, requireLeader: false })
    let header: HistoryHeader
    try {
      header = await probe.answer
    } catch {
      // No sign of life: the silence goes on, and the next check says what follows from it.
      return
    }
    if (this.#isOver || !this.#belongs(header)) return
    const revision = BigInt(header.revision)
    const upToDate = [...this.#watches.values()].filter(({ cursor }) => revision < cursor.next)
    if (upToDate.length === 0) return
    this.#hear()
    for (const { cursor } of upToDate) deliverProgress(cursor, revision)
  }

  #belongs(header: HistoryHeader): boolean {
    if (this.#options.onHeader(header)) return true
    this.#end(this.#broken('the member belongs to another cluster'))
    return false
  }

  #onCancelled(message: IWatchResponse, tracked: Tracked | undefined): void {
    if (message.compact_revision !== '0') {
      if (tracked === undefined) return
      this.#watches.delete(message.watch_id)
      this.#options.onCompacted(tracked.cursor, compacted(tracked.cursor, message))
      return
    }
    // The answer to a removal; a refused creation comes under no watch's number, with a reason.
    if (tracked === undefined && message.cancel_reason === '') return
    const error = fromGrpcError(new Error(message.cancel_reason), 'watch')
    const isRefusal = !isRecoverable(error)
    const { message: text, details } = error
    this.#end(isRefusal ? new LabError('ETCD_REFUSED', text, { details }) : error)
  }

  #broken(what: string): LabError {
    return new LabError('UNAVAILABLE', `watch on ${this.#options.connection.url}: ${what}`)
  }

  #end(reason: LabError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ended.resolve(reason)
  }
}

function toWatchEvent(event: IEvent): WatchEvent {
  return {
    type: event.type === 'Delete' ? 'delete' : 'put',
    kv: fromKeyValue(event.kv),
    prevKv: fromOptionalKeyValue(event.prev_kv),
  }
}

function deliver(cursor: WatchCursor, events: readonly IEvent[]): void {
  const fresh = events.filter((event) => BigInt(event.kv.mod_revision) >= cursor.next)
  const last = fresh.at(-1)
  if (last === undefined) return
  const revision = last.kv.mod_revision
  cursor.next = BigInt(revision) + 1n
  cursor.onBatch({ revision, events: fresh.map(toWatchEvent) })
}

function deliverProgress(cursor: WatchCursor, revision: bigint): void {
  // A member that lags behind what another one delivered has nothing to say yet.
  if (revision < cursor.next - 1n) return
  cursor.next = revision + 1n
  cursor.onBatch({ revision: revision.toString(), events: [] })
}

function compacted(cursor: WatchCursor, message: IWatchResponse): LabError {
  const { compact_revision: compactRevision } = message
  return new LabError(
    'COMPACTED',
    `revision ${cursor.next} has been compacted; the oldest kept is ${compactRevision}`,
    { details: { compactRevision, next: cursor.next.toString() } },
  )
}
