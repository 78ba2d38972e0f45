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

interface SessionOptions {
  readonly connection: EtcdConnection
  readonly range: KeyRange
  /** First revision wanted. */
  readonly next: bigint
  /** True when this member is known not to answer anybody. */
  readonly isSuspect: () => boolean
  readonly onConfirmed: () => void
  /** Sees every header first. False: the answer is of another cluster, and nothing in it counts. */
  readonly onHeader: (header: HistoryHeader) => boolean
  readonly onBatch: (batch: WatchBatch) => void
}

/** One watch on one member, from its opening to its end. The end is always an error: see `run`. */
export class WatchSession {
  readonly #options: SessionOptions
  readonly #ended = Promise.withResolvers<LabError>()
  #next: bigint
  #stream: ClientDuplexStream<IWatchRequest, IWatchResponse> | null = null
  #confirmed = false
  #asked = false
  #paused = false
  #isOver = false
  #heardAt = performance.now()
  #fragments: IEvent[] = []

  constructor(options: SessionOptions) {
    this.#options = options
    this.#next = options.next
  }

  /**
   * Resolves with why the session ended: `UNAVAILABLE`, `NO_LEADER` or `TIMEOUT` when another
   * member may go on from `next`, anything else when nobody can.
   */
  async run(): Promise<LabError> {
    const check = setInterval(() => this.#check(), checkMs)
    try {
      this.#open()
    } catch (error) {
      this.#end(fromGrpcError(error, 'watch'))
    }
    const end = await this.#ended.promise
    clearInterval(check)
    this.#stream?.cancel()
    return end
  }

  /** The first revision that has not been delivered. */
  get next(): bigint {
    return this.#next
  }

  get confirmed(): boolean {
    return this.#confirmed
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
    const { connection, range } = this.#options
    const stream = connection.stream<IWatchRequest, IWatchResponse>('Watch', 'watch', {
      requireLeader: true,
    })
    this.#stream = stream
    // Stays attached: cancelling a stream makes it report one last error.
    stream.on('error', (error) => this.#end(fromGrpcError(error, `watch on ${connection.url}`)))
    stream.on('end', () => this.#end(this.#broken('ended by the member')))
    stream.on('data', (message: IWatchResponse) => this.#onMessage(message))
    stream.write({
      create_request: {
        ...toKeyRange(range),
        start_revision: this.#next.toString(),
        progress_notify: true,
        prev_kv: true,
        // Without it a large batch would not fit into one message.
        fragment: true,
      },
    })
    if (this.#paused) stream.pause()
  }

  #onMessage(message: IWatchResponse): void {
    if (this.#isOver) return
    if (!this.#belongs(message.header)) return
    this.#hear()
    if (message.canceled) {
      this.#end(this.#cancelled(message))
      return
    }
    if (message.created) {
      this.#confirmed = true
      this.#options.onConfirmed()
      return
    }
    if (message.fragment) {
      this.#fragments.push(...message.events)
      return
    }
    const events = [...this.#fragments, ...message.events]
    this.#fragments = []
    if (events.length === 0) this.#onProgress(BigInt(message.header.revision))
    else this.#onEvents(events)
  }

  #hear(): void {
    this.#heardAt = performance.now()
    this.#asked = false
  }

  #onProgress(revision: bigint): void {
    // A member that lags behind what another one delivered has nothing to say yet.
    if (revision < this.#next - 1n) return
    this.#next = revision + 1n
    this.#options.onBatch({ revision: revision.toString(), events: [] })
  }

  #onEvents(events: readonly IEvent[]): void {
    const fresh = events.filter((event) => BigInt(event.kv.mod_revision) >= this.#next)
    const last = fresh.at(-1)
    if (last === undefined) return
    const revision = last.kv.mod_revision
    this.#next = BigInt(revision) + 1n
    this.#options.onBatch({ revision, events: fresh.map(toWatchEvent) })
  }

  #check(): void {
    if (this.#paused) return
    const silence = performance.now() - this.#heardAt
    if (!this.#confirmed && silence > confirmMs) this.#end(this.#broken('not confirmed'))
    else if (silence > giveUpAfterMs) this.#end(this.#broken('silent'))
    else if (silence > suspectAfterMs && this.#options.isSuspect()) {
      this.#end(this.#broken('silent, as others found too'))
    } else if (this.#confirmed && silence > askAfterMs && !this.#asked) {
      this.#asked = true
      this.#stream?.write({ progress_request: {} })
      void this.#askRevision()
    }
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
    if (revision >= this.#next) return
    this.#hear()
    this.#onProgress(revision)
  }

  #belongs(header: HistoryHeader): boolean {
    if (this.#options.onHeader(header)) return true
    this.#end(this.#broken('the member belongs to another cluster'))
    return false
  }

  #cancelled(message: IWatchResponse): LabError {
    if (message.compact_revision !== '0') {
      return new LabError(
        'COMPACTED',
        `revision ${this.#next} has been compacted; the oldest kept is ${message.compact_revision}`,
        { details: { compactRevision: message.compact_revision, next: this.#next.toString() } },
      )
    }
    const error = fromGrpcError(new Error(message.cancel_reason), 'watch')
    if (isRecoverable(error)) return error
    return new LabError('ETCD_REFUSED', error.message, { details: error.details })
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
