import { LabError } from '../../protocol/index.ts'

/** How long a call may take with everything that belongs to it, and what ends it earlier. */
export interface CallLimits {
  /** On the clock of `performance.now()`. */
  readonly end: number
  readonly signals: readonly AbortSignal[]
}

/** Milliseconds; negative when time is up. */
export function remainingMs(limits: CallLimits): number {
  return limits.end - performance.now()
}

/** The reason itself where it is one of our errors, else `INTERRUPTED`. */
export function interruption(signal: AbortSignal, attempted: string): LabError {
  const reason: unknown = signal.reason
  if (reason instanceof LabError) return reason
  return new LabError('INTERRUPTED', `${attempted} was interrupted`, { cause: reason })
}

/**
 * Waits for what others wait for too, so that it goes on when this caller has had enough. Rejects
 * with what `onTimeout` makes, or with the interruption.
 */
export async function waitWithin<T>(
  promise: Promise<T>,
  limits: CallLimits,
  options: { attempted: string; onTimeout: () => LabError },
): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const onAbort = (event: Event): void => {
    if (!(event.target instanceof AbortSignal)) return
    stopped.reject(interruption(event.target, options.attempted))
  }
  const timer = setTimeout(() => stopped.reject(options.onTimeout()), remainingMs(limits))
  for (const signal of limits.signals) {
    if (signal.aborted) stopped.reject(interruption(signal, options.attempted))
    else signal.addEventListener('abort', onAbort)
  }
  try {
    return await Promise.race([promise, stopped.promise])
  } finally {
    clearTimeout(timer)
    for (const signal of limits.signals) signal.removeEventListener('abort', onAbort)
  }
}
