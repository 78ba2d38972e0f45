import { randomInt } from 'node:crypto'

/**
 * An id for a lease, decimal; never 0, which would let etcd choose. Any positive int64 is free to be
 * one: 48 bits of chance are enough and print short.
 */
export function randomLeaseId(): string {
  return String(randomInt(1, 2 ** 48 - 1))
}
