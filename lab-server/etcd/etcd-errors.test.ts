import { describe, expect, it } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { fromGrpcError, isRecoverable } from './etcd-errors.ts'

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

  it('leaves an error that is ours as it is', () => {
    const error = new LabError('CLOSED', 'closed')
    expect(fromGrpcError(error, 'put')).toBe(error)
  })
})
