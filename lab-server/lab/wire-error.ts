import type { LabError, WireError } from '../../protocol/index.ts'

/** An unexpected error is told in the log only: its text may name files of the host. */
export function toWireError(error: LabError): WireError {
  const message =
    error.code === 'INTERNAL' ? 'Something unexpected went wrong; it was logged.' : error.message
  return { code: error.code, message, details: { ...error.details } }
}
