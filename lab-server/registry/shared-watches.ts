import { BatchQueue } from '../etcd/batch-queue.ts'
import type { WatchBatch } from '../etcd/etcd-calls.ts'
import type { EtcdClient } from '../etcd/etcd-client.ts'

export interface SharedWatchRequest {
  readonly prefix: string
  /** First revision wanted, decimal. */
  readonly fromRevision: string
  /** Ends the iteration without an error. */
  readonly signal: AbortSignal
}

/** So many events are kept for those whose list is a little older than what the watch has told. */
const keptEvents = 64

/**
 * One watch in etcd for all who watch the same service, whatever they began with. Promises what
 * `EtcdClient.watch` promises: no gap, no repeat, no reordering, and the same errors. Whoever wants
 * to go on from further back than the shared watch remembers, or reads too slowly for the others,
 * has a watch of its own.
 */
export class SharedWatches {
  readonly #client: EtcdClient
  readonly #feeds = new Map<string, WatchFeed>()

  constructor(client: EtcdClient) {
    this.#client = client
  }

  async *watch(request: SharedWatchRequest): AsyncGenerator<WatchBatch, void, undefined> {
    const { prefix, signal } = request
    if (signal.aborted) return
    const next = BigInt(request.fromRevision)
    const feed = this.#feeds.get(prefix) ?? this.#start(request)
    const own = feed.reaches(next) ? yield* feed.follow(next, signal) : next
    if (own === null) return
    yield* this.#client.watch({ prefix, fromRevision: own.toString(), signal })
  }

  #start({ prefix, fromRevision }: SharedWatchRequest): WatchFeed {
    const feed = new WatchFeed(this.#client, { prefix, fromRevision }, () => {
      if (this.#feeds.get(prefix) === feed) this.#feeds.delete(prefix)
    })
    this.#feeds.set(prefix, feed)
    return feed
  }
}

/** One reader's place in a feed. */
interface Reader {
  readonly queue: BatchQueue
  /** First revision that it has not been given. */
  next: bigint
  /** It was left behind because it had too much to read. */
  isBehind: boolean
}

/** Reads one watch and hands every batch to all readers; ends with its last reader. */
class WatchFeed {
  readonly #readers = new Set<Reader>()
  readonly #stop = new AbortController()
  readonly #onEnd: () => void
  readonly #running: Promise<void>
  /** The last batches with events. */
  #recent: WatchBatch[] = []
  /** Everything from here on is still to come or among the recent ones. */
  #reach: bigint

  constructor(
    client: EtcdClient,
    range: { readonly prefix: string; readonly fromRevision: string },
    onEnd: () => void,
  ) {
    this.#reach = BigInt(range.fromRevision)
    this.#onEnd = onEnd
    this.#running = this.#run(client.watch({ ...range, signal: this.#stop.signal }))
  }

  reaches(next: bigint): boolean {
    return next >= this.#reach
  }

  /** Returns null at the end, or where a reader that was left behind has to go on. */
  async *follow(
    next: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<WatchBatch, bigint | null, undefined> {
    const reader = { queue: new BatchQueue(() => undefined), next, isBehind: false }
    this.#readers.add(reader)
    for (const batch of this.#recent) give(reader, batch)
    const onAbort = () => reader.queue.end(null)
    signal.addEventListener('abort', onAbort)
    try {
      for (;;) {
        const batch = await reader.queue.next()
        if (signal.aborted) return null
        if (batch === null) return reader.isBehind ? reader.next : null
        yield batch
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      await this.#leave(reader)
    }
  }

  async #run(batches: AsyncIterable<WatchBatch>): Promise<void> {
    try {
      for await (const batch of batches) this.#hand(batch)
      this.#end(null)
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #hand(batch: WatchBatch): void {
    this.#remember(batch)
    for (const reader of this.#readers) {
      if (reader.queue.isFull) this.#leaveBehind(reader)
      else give(reader, batch)
    }
  }

  #remember(batch: WatchBatch): void {
    if (batch.events.length === 0) return
    this.#recent.push(batch)
    let kept = this.#recent.reduce((sum, { events }) => sum + events.length, 0)
    while (kept > keptEvents) {
      const oldest = this.#recent.shift()
      if (oldest === undefined) return
      kept -= oldest.events.length
      this.#reach = BigInt(oldest.revision) + 1n
    }
  }

  #leaveBehind(reader: Reader): void {
    this.#readers.delete(reader)
    reader.isBehind = true
    reader.queue.end(null)
  }

  #end(error: Error | null): void {
    this.#onEnd()
    for (const { queue } of this.#readers) queue.end(error)
  }

  /** The last one waits until nothing of the watch is left. */
  async #leave(reader: Reader): Promise<void> {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#onEnd()
    this.#stop.abort()
    await this.#running
  }
}

/** A reader may have begun in the middle of a batch, or ahead of the feed. */
function give(reader: Reader, batch: WatchBatch): void {
  const { next } = reader
  const revision = BigInt(batch.revision)
  if (revision < next - 1n) return
  const isNew = ({ kv }: WatchBatch['events'][number]) => BigInt(kv.modRevision) >= next
  const events = batch.events.every(isNew) ? batch.events : batch.events.filter(isNew)
  // As far as it was before, a batch still says that nothing has happened since.
  reader.next = revision + 1n
  reader.queue.push({ revision: batch.revision, events })
}
