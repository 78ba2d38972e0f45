import { describe, expect, it } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { fromGrpcError, isRecoverable, refusesAccess, refusesToken } from './etcd-errors.ts'

function grpcError(code: number, details: string): Error {
  return Object.assign(new Error(`${code}: ${details}`), { code, details })
}

describe('fromGrpcError', () => {
  it.each([
    [14, 'etcdserver: leader changed', 'UNAVAILABLE', true],
    [
      14,
      'etcdserver: request timed out, possibly due to previous leader failure',
      'UNAVAILABLE',
      true,
    ],
    [14, 'etcdserver: no leader', 'NO_LEADER', true],
    [14, 'Connection dropped', 'UNAVAILABLE', true],
    [4, 'Deadline exceeded after 0.7s', 'TIMEOUT', true],
    [1, 'Call cancelled', 'UNAVAILABLE', true],
    [13, 'Received RST_STREAM with code 2', 'UNAVAILABLE', true],
    [2, 'etcdserver: server stopped', 'UNAVAILABLE', true],
    [8, 'etcdserver: too many requests', 'UNAVAILABLE', true],
    [8, 'etcdserver: mvcc: database space exceeded', 'ETCD_REFUSED', false],
    [3, 'etcdserver: key is not provided', 'ETCD_REFUSED', false],
    [11, 'etcdserver: mvcc: required revision has been compacted', 'COMPACTED', false],
    [5, 'etcdserver: requested lease not found', 'LEASE_LOST', false],
    [7, 'etcdserver: permission denied', 'ETCD_REFUSED', false],
  ])('calls %i "%s" %s', (code, details, expected, recoverable) => {
    const error = fromGrpcError(grpcError(code, details), 'put')
    expect(error).toMatchObject({ code: expected, details: { grpc: code, etcd: details } })
    expect(error.message).toBe(`put: ${details}`)
    expect(isRecoverable(error)).toBe(recoverable)
  })

  it.each([
    ['Error: certificate has expired. Resolution note: ', 'certificate has expired'],
    [
      "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: . Resolution note: ",
      "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list:",
    ],
    [
      '40DD:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:rec_layer_s3.c:918:SSL alert number 116\n (2026-11-27T23:15:31.033Z). Resolution note: ',
      '40DD:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:rec_layer_s3.c:918:SSL alert number 116\n (2026-11-27T23:15:31.033Z)',
    ],
  ])('keeps what TLS said: %s', (last, tls) => {
    const error = fromGrpcError(
      grpcError(14, `No connection established. Last error: ${last}`),
      'put',
    )
    expect(error).toMatchObject({ code: 'UNAVAILABLE', details: { tls } })
    expect(error.message).toBe(`put: TLS: ${tls}`)
    expect(isRecoverable(error)).toBe(true)
  })

  it('does not take a refused connection for a matter of TLS', () => {
    const text = 'No connection established. Last error: connect ECONNREFUSED. Resolution note: '
    const error = fromGrpcError(grpcError(14, text), 'put')
    expect(error.details).not.toHaveProperty('tls')
    expect(error.message).toBe(`put: ${text}`)
  })

  it('leaves an error that is ours as it is', () => {
    const error = new LabError('CLOSED', 'closed')
    expect(fromGrpcError(error, 'put')).toBe(error)
  })
})

describe('refusals', () => {
  it.each([
    [16, 'etcdserver: invalid auth token', true, true],
    [3, 'etcdserver: user name is empty', true, true],
    [3, 'etcdserver: revision of auth store is old', true, true],
    // As a watch is told.
    [2, 'rpc error: code = Unauthenticated desc = etcdserver: invalid auth token', true, true],
    [7, 'etcdserver: permission denied', false, true],
    [3, 'etcdserver: authentication failed, invalid user ID or password', false, true],
    [9, 'etcdserver: authentication is not enabled', false, false],
    [3, 'etcdserver: key is not provided', false, false],
    [14, 'etcdserver: leader changed', false, false],
  ])('%i "%s" refuses the token: %s, the user or the token: %s', (code, details, token, access) => {
    const error = fromGrpcError(grpcError(code, details), 'put')
    expect(refusesToken(error)).toBe(token)
    expect(refusesAccess(error)).toBe(access)
  })
})
