import { LabError } from '../../protocol/index.ts'

/** Waits for what others wait for too, but no longer than the caller wants: `INTERRUPTED`. */
export async function orInterrupted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  attempted: string,
): Promise<T> {
  if (signal === undefined) return promise
  const interrupted = () =>
    new LabError('INTERRUPTED', `${attempted} was interrupted`, { cause: signal.reason })
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(interrupted())
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort)
  try {
    // Both are listened to in any case: nobody else may be there to hear that `promise` rejects.
    return await Promise.race([aborted.promise, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
