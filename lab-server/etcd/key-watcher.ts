import type { LabError } from '../../protocol/index.ts'
import type { WatchBatch } from './etcd-calls.ts'
import type { KeySpace } from './key-space.ts'
import { WatchStream, type StreamWatch, type WatchStreamOptions } from './watch-stream.ts'

export interface KeyListener {
  /** Whole revisions in order; without events: everything up to the revision is known. */
  readonly onBatch: (batch: WatchBatch) => void
  /** The watch goes no further; null = the watcher or the client was closed. */
  readonly onEnd: (error: LabError | null) => void
}

/**
 * Watches of single keys, all over one stream: a stream for each would cost about 130 KB. Listeners
 * are called as news arrives and must not take long: they hold up one another.
 */
export class KeyWatcher {
  readonly #stream: WatchStream
  readonly #keys: KeySpace
  readonly #closing: AbortSignal
  readonly #onClosing = (): void => void this.#stream.close()
  /** About to be asked for. */
  readonly #asking = new Map<NodeJS.Immediate, StreamWatch>()
  #lastId = 0

  /** Closes by itself when the signal aborts. */
  constructor(options: WatchStreamOptions, keys: KeySpace, closing: AbortSignal) {
    this.#keys = keys
    this.#stream = new WatchStream(options)
    this.#closing = closing
    closing.addEventListener('abort', this.#onClosing)
  }

  /** From this revision on, with no gap and no repeat. Answers the way to end it. */
  watch(key: string, fromRevision: string, listener: KeyListener): () => void {
    this.#lastId += 1
    const watch: StreamWatch = {
      id: String(this.#lastId),
      range: this.#keys.range({ key }),
      next: BigInt(fromRevision),
      // Progress of one says nothing of the others: the session asks for that of all of them.
      wantsProgress: false,
      onBatch: (batch) => listener.onBatch(this.#keys.batch(batch)),
      onEnd: listener.onEnd,
    }
    // Asking for a watch takes a while, and what has arrived already should not wait for it. Nothing
    // is missed: it begins at a revision, not at a moment.
    const asking = setImmediate(() => {
      this.#asking.delete(asking)
      this.#stream.add(watch)
    })
    this.#asking.set(asking, watch)
    return () => {
      clearImmediate(asking)
      this.#asking.delete(asking)
      this.#stream.remove(watch)
    }
  }

  /** Tells every listener; resolves when nothing runs any more. */
  close(): Promise<void> {
    for (const [asking, { onEnd }] of this.#asking) {
      clearImmediate(asking)
      onEnd(null)
    }
    this.#asking.clear()
    this.#closing.removeEventListener('abort', this.#onClosing)
    return this.#stream.close()
  }
}
