import { vi } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'

/** Counts how often clients of this process ask etcd for a token, until `vi.restoreAllMocks`. */
export function countTokens(): () => number {
  const unary = vi.spyOn(EtcdConnection.prototype, 'unary')
  const before = unary.mock.calls.length
  return () =>
    unary.mock.calls.slice(before).filter(([, method]) => method === 'authenticate').length
}
