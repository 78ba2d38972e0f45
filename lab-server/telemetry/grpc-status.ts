import type { LabError } from '../../protocol/errors.ts'

/** By number: https://grpc.io/docs/guides/status-codes/ */
const names = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const

/** What a member answered with; what gRPC would call it where it was us who gave up. */
export function grpcStatus(error: LabError): string {
  const answered = names[Number(error.details['grpc'] ?? -1)]
  if (answered !== undefined) return answered
  switch (error.code) {
    case 'TIMEOUT':
      return 'DEADLINE_EXCEEDED'
    case 'UNAVAILABLE':
    case 'QUORUM_LOST':
      return 'UNAVAILABLE'
    case 'INTERRUPTED':
    case 'CLOSED':
      return 'CANCELLED'
    default:
      return 'UNKNOWN'
  }
}
