/** Something that set-up cannot get by itself; the message says what to do. Printed without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{ cause?: unknown }} [options]
   */
  constructor(message, options) {
    super(message, options)
    this.name = 'SetupError'
  }
}

/** A suite that cannot run on this machine although nothing is wrong; the message says what to do. */
export class SuiteUnavailable extends SetupError {}

/**
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  // fetch says only "fetch failed"; what happened is in the cause.
  if (error.message === 'fetch failed' && cause instanceof Error) return messageOf(cause)
  if (error.message !== '') return error.message
  return 'code' in error ? String(error.code) : error.name
}
