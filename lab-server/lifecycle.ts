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

/**
 * Ends the server on SIGINT, SIGTERM and SIGHUP, at once on the second of them; after an error that
 * nobody expected; and with its parent, where that is asked for.
 */
export function endWithSignals(options: LifecycleOptions): void {
  const { logger } = options
  let ending = false
  const end = (reason: string) => {
    if (ending) {
      logger.warn('ending at once', { reason })
      process.exit(1)
    }
    ending = true
    logger.info('shutting down', { reason })
    void shutDown(options)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => end(signal))
  const crash = (error: unknown) => {
    logger.error('unexpected error; the server ends', { error })
    options.abandon()
    setTimeout(() => process.exit(1), lastWordsMs)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
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
