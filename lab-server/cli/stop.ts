import { constants } from 'node:os'

type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Why a running command has to end. */
export type StopCause =
  | StopSignal
  /** Nobody reads the output any more, as in `ming watch … | head -1`. */
  | 'closed-output'

export interface Stop {
  readonly signal: AbortSignal
  /** Null while there is none. */
  cause(): StopCause | null
  /** Ends what runs, as a signal does; the first cause stands. */
  because(cause: StopCause): void
}

/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const sameSignalMs = 500

/** Aborts on SIGINT, SIGTERM and SIGHUP; the second one ends the process at once. */
export function listenForStop(): Stop {
  const abort = new AbortController()
  let first: { readonly cause: StopCause; readonly at: number } | null = null
  const because = (cause: StopCause) => {
    first ??= { cause, at: performance.now() }
    abort.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (first !== null && performance.now() - first.at > sameSignalMs) {
        process.exit(exitCodeOf(signal))
      }
      because(signal)
    })
  }
  return { signal: abort.signal, cause: () => first?.cause ?? null, because }
}

/** As shells report the end by a signal; an output that was closed is no failure. */
export function exitCodeOf(cause: StopCause): number {
  return cause === 'closed-output' ? 0 : 128 + constants.signals[cause]
}
