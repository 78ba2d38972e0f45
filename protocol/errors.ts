/**
 * Every error that crosses a boundary of this project carries one of these codes. The code is the
 * contract: pages look up the translated hint by it (`content/i18n`), tests assert on it, and the
 * English `message` beside it may change freely.
 */
export const errorCodes = [
  // The connection
  'BAD_FRAME',
  'FRAME_TOO_LARGE',
  'PROTOCOL_VERSION',
  'HELLO_REQUIRED',
  'RATE_LIMIT',
  // The lab
  'NO_LAB',
  'LAB_EXISTS',
  'LAB_NOT_READY',
  'LAB_LIMIT',
  'LAB_FAILED',
  'LAB_ENDED',
  // The shell
  'USAGE',
  'UNKNOWN_COMMAND',
  'UNSUPPORTED_SYNTAX',
  'LINE_TOO_LONG',
  'STDIN_REFUSED',
  'NOT_ALLOWED',
  'TERMINAL_BUSY',
  'TERMINAL_LIMIT',
  'OUTPUT_LIMIT',
  'COMMAND_TIMEOUT',
  'INTERRUPTED',
  // The cluster
  'NO_SUCH_MEMBER',
  'MEMBER_STATE',
  'MEMBER_START_FAILED',
  'NO_LEADER',
  'QUORUM_LOST',
  // The providers
  'NO_SUCH_PROVIDER',
  'PROVIDER_STATE',
  'PROVIDER_START_FAILED',
  'PROVIDER_LIMIT',
  // etcd and the registry
  'UNAVAILABLE',
  'TIMEOUT',
  'COMPACTED',
  'HISTORY_CHANGED',
  'SNAPSHOT',
  'INVALID_INSTANCE',
  'UNDECODABLE',
  'NOT_REGISTERED',
  'LEASE_LOST',
  'NAIVE_LIMIT',
  'ETCD_REFUSED',
  'CLOSED',
  // Set-up and configuration
  'CONFIG',
  'SETUP',
  // Everything that should not happen
  'INTERNAL',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/**
 * The one error class of the project. `message` is English and says what was attempted and what
 * came back; `cause` keeps the original error; `details` are the facts a translated hint needs
 * (for example `{ retryAfterMs: 42000 }`).
 */
export class LabError extends Error {
  override readonly name = 'LabError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, string | number>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** Wraps anything that was thrown: a LabError stays itself, everything else becomes `INTERNAL`. */
export function toLabError(error: unknown): LabError {
  if (error instanceof LabError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LabError('INTERNAL', message, { cause: error })
}
