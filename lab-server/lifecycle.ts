import type { Logger } from './logger.ts'

export interface LifecycleOptions {
  readonly logger: Logger
  /** See LAB_EXIT_WITH_PARENT. */
  readonly exitWithParent: boolean
  /** Ends everything in order; the process exits when it has resolved, or after the limit. */
  readonly shutdown: () => Promise<void>
  /** Says what can be said at once; the process exits right after it. */
  readonly abandon: () => void
}

/** A graceful end that takes longer than this is cut short; the reaper does the rest. */
const shutdownMs = 15_000
/** For the last words of a crash to leave the process. */
const lastWordsMs = 100
const parentCheckMs = 250
/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. */
const sameSignalMs = 500

/**
 * Ends the server on SIGINT, SIGTERM and SIGHUP, at once when one comes again; after an exception
 * that nobody caught; and with its parent, where that is asked for. A promise that was rejected with
 * nobody listening is logged and ends nothing: whoever waited for it gets its own deadline, and the
 * labs of all other readers live on.
 */
export function endWithSignals(options: LifecycleOptions): void {
  const { logger } = options
  let endingSince: number | null = null
  const end = (reason: string) => {
    if (endingSince !== null) return
    endingSince = performance.now()
    logger.info('shutting down', { reason })
    void shutDown(options)
  }
  const endBySignal = (signal: string) => {
    if (endingSince !== null && performance.now() - endingSince > sameSignalMs) {
      logger.warn('ending at once', { reason: signal })
      process.exit(1)
    }
    end(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => endBySignal(signal))
  const crash = (error: unknown) => {
    logger.error('unexpected error; the server ends', { error })
    options.abandon()
    setTimeout(() => process.exit(1), lastWordsMs)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', (error) => {
    logger.error('unexpected error; a promise was rejected with nobody listening', { error })
  })
  if (options.exitWithParent) watchParent(() => end('parent process ended'))
}

async function shutDown({ logger, shutdown }: LifecycleOptions): Promise<void> {
  const limit = setTimeout(() => {
    logger.error('shutting down takes too long; the rest is left to the reaper')
    process.exit(1)
  }, shutdownMs)
  try {
    await shutdown()
    clearTimeout(limit)
    process.exit(0)
  } catch (error) {
    logger.error('shutting down failed; the rest is left to the reaper', { error })
    process.exit(1)
  }
}

/** An orphan is given another parent: that is how the death of the old one shows. */
function watchParent(onEnd: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onEnd()
  }, parentCheckMs)
  timer.unref()
}
