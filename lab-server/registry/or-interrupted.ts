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
  if (signal.aborted) throw interrupted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(interrupted())
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
