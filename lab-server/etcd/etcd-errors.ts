import { LabError, type ErrorCode } from '../../protocol/index.ts'

/** gRPC status codes this project has to tell apart (https://grpc.io/docs/guides/status-codes/). */
const grpc = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  outOfRange: 11,
  internal: 13,
  unavailable: 14,
} as const

/**
 * Turns what a gRPC call rejected with into a `LabError`. etcd's own text stays in the message and
 * in `details.etcd`; `details.grpc` is the status code. Where TLS kept a connection from coming
 * about, its own words are in `details.tls` and the message begins with "TLS".
 */
export function fromGrpcError(error: unknown, attempted: string): LabError {
  if (error instanceof LabError) return error
  const code = grpcCode(error)
  const text = grpcText(error)
  const tls = code === grpc.unavailable ? tlsProblem(text) : null
  return new LabError(labCode(code, text), `${attempted}: ${tls === null ? text : `TLS: ${tls}`}`, {
    cause: error,
    details: { grpc: code, etcd: text, ...(tls !== null && { tls }) },
  })
}

/** True when another attempt, now or a little later, here or on another member, may succeed. */
export function isRecoverable({ code }: LabError): boolean {
  return (
    code === 'UNAVAILABLE' || code === 'TIMEOUT' || code === 'NO_LEADER' || code === 'QUORUM_LOST'
  )
}

/** etcd's own words. */
export function etcdText(error: LabError): string {
  return String(error.details['etcd'] ?? '')
}

/**
 * True when etcd refused the token, not the user: it has expired, was given out by nobody this
 * member knows, is older than the newest change of users and roles, or is missing.
 */
export function refusesToken(error: LabError): boolean {
  return (
    error.code === 'ETCD_REFUSED' &&
    /invalid auth token|user name is empty|auth store is old/.test(etcdText(error))
  )
}

/**
 * True when etcd refused the token or the user. Members before 3.5.6 say of a watch with an expired
 * token only that permission was denied (https://github.com/etcd-io/etcd/issues/12385).
 */
export function refusesAccess(error: LabError): boolean {
  return (
    refusesToken(error) ||
    (error.code === 'ETCD_REFUSED' &&
      /permission denied|authentication failed/.test(etcdText(error)))
  )
}

/**
 * The words of the TLS library (our own refusal of a certificate, or the member's alert), out of
 * grpc-js's text `No connection established. Last error: …. Resolution note: `.
 */
function tlsProblem(text: string): string | null {
  const found = /Last error: (?:Error: )?([^]*?)\.? Resolution note:/.exec(text)?.[1]
  return found !== undefined && /certificate|altnames|SSL routines/.test(found)
    ? found.trim()
    : null
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function labCode(code: number, text: string): ErrorCode {
  if (text.includes('etcdserver: no leader')) return 'NO_LEADER'
  if (text.includes('required revision has been compacted')) return 'COMPACTED'
  // A linearizable read knows every revision there is: this one belongs to another history.
  if (text.includes('required revision is a future revision')) return 'HISTORY_CHANGED'
  if (text.includes('requested lease not found')) return 'LEASE_LOST'
  if (code === grpc.unavailable) return 'UNAVAILABLE'
  if (code === grpc.deadlineExceeded) return 'TIMEOUT'
  if (isBrokenConnection(code, text)) return 'UNAVAILABLE'
  return 'ETCD_REFUSED'
}

/** A member that dies or stops in the middle of a call is reported under several codes. */
function isBrokenConnection(code: number, text: string): boolean {
  switch (code) {
    case grpc.cancelled:
      return true
    case grpc.internal:
      return /RST_STREAM|GOAWAY|connection|stream|socket/i.test(text)
    case grpc.unknown:
      return /stopped|context (canceled|deadline)|proposal dropped|leader/i.test(text)
    case grpc.resourceExhausted:
      return text.includes('too many requests')
    default:
      return false
  }
}

function grpcCode(error: unknown): number {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'number' ? code : grpc.unknown
}

function grpcText(error: unknown): string {
  const details: unknown = error instanceof Error && 'details' in error ? error.details : undefined
  return typeof details === 'string' && details !== '' ? details : describeError(error)
}
