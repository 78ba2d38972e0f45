import type { WatchBatch } from './etcd-calls.ts'

/** What may wait for the consumer before the stream is paused: about 1000 events, or 1 MiB. */
const fullAt = 1000
const bytesThatWeighAnEvent = 1024

/**
 * Between a stream that pushes and a consumer that pulls. Keeps order, drops nothing but progress
 * that newer news has overtaken, and says when to pause the stream and when to go on.
 */
export class BatchQueue {
  readonly #batches: WatchBatch[] = []
  readonly #onFull: (full: boolean) => void
  #waiting = 0
  #full = false
  #ended = false
  #error: Error | null = null
  #wake: (() => void) | null = null

  constructor(onFull: (full: boolean) => void) {
    this.#onFull = onFull
  }

  get isFull(): boolean {
    return this.#full
  }

  push(batch: WatchBatch): void {
    if (this.#ended) return
    if (this.#batches.at(-1)?.events.length === 0) this.#batches.pop()
    this.#batches.push(batch)
    this.#waiting += weigh(batch)
    if (!this.#full && this.#waiting >= fullAt) this.#setFull(true)
    this.#wake?.()
  }

  /** What was pushed before is still delivered; then `next` answers null, or throws `error`. */
  end(error: Error | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wake?.()
  }

  async next(): Promise<WatchBatch | null> {
    for (;;) {
      const batch = this.#batches.shift()
      if (batch !== undefined) {
        this.#waiting -= weigh(batch)
        if (this.#full && this.#waiting <= fullAt / 2) this.#setFull(false)
        return batch
      }
      if (this.#error !== null) throw this.#error
      if (this.#ended) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }

  #setFull(full: boolean): void {
    this.#full = full
    this.#onFull(full)
  }
}

function weigh(batch: WatchBatch): number {
  let weight = 0
  for (const { kv, prevKv } of batch.events) {
    const bytes = kv.key.length + kv.value.length + (prevKv?.value.length ?? 0)
    weight += 1 + Math.floor(bytes / bytesThatWeighAnEvent)
  }
  return weight
}
