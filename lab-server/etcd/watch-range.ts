import { BatchQueue } from './batch-queue.ts'
import type { KeyRange, WatchBatch } from './etcd-calls.ts'
import { WatchStream, type StreamWatch, type WatchStreamOptions } from './watch-stream.ts'

type RangeOptions = KeyRange & {
  readonly fromRevision: string
  readonly signal: AbortSignal
}

/**
 * One watch on a stream of its own, so that a consumer which reads slowly holds up nobody else. Ends
 * when the signal aborts or the consumer leaves its loop.
 */
export async function* watchRange(
  range: RangeOptions,
  options: WatchStreamOptions,
): AsyncGenerator<WatchBatch, void, undefined> {
  const { signal } = range
  const stream = new WatchStream(options)
  const queue = new BatchQueue((full) => stream.setPaused(full))
  const watch: StreamWatch = {
    id: '1',
    range,
    next: BigInt(range.fromRevision),
    wantsProgress: true,
    onBatch: (batch) => queue.push(batch),
    onEnd: (error) => queue.end(error),
  }
  const onAbort = (): void => {
    stream.remove(watch)
    queue.end(null)
  }
  signal.addEventListener('abort', onAbort)
  stream.add(watch)
  try {
    for (;;) {
      const batch = await queue.next()
      if (batch === null || signal.aborted) return
      yield batch
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    await stream.close()
  }
}
