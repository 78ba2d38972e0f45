import { expect, test } from 'vitest'
import { LabError } from '../../../protocol/index.ts'
import type { MemberAnswer } from '../../etcd/etcd-member.ts'
import type { RawKey } from '../../etcd/etcd-inspector.ts'
import { diagnose, diagnoseReach, fullLease } from './diagnose.ts'
import type { Examination } from './examine.ts'

const healthy: Examination = {
  revision: '9',
  keys: [],
  keyCount: 0,
  leases: [],
  leaseCount: 0,
  strayKeys: [],
  alarms: [],
  endpoints: [],
  unread: [],
}

function keyOf(key: string | Uint8Array, value: string, lease = '7'): RawKey {
  const common = { createRevision: '2', modRevision: '2', version: '1' }
  return { key: Buffer.from(key), value: Buffer.from(value), lease, ...common }
}

const value = '{"serviceName":"S","serviceHost":"h","servicePort":1}'
const good = keyOf('/rpc/S:1.0/h:1', value)

const absent = new LabError('UNAVAILABLE', 'nobody there')
const refusal = new LabError('ETCD_REFUSED', 'permission denied')

function find(seen: Partial<Examination>) {
  return diagnose({ ...healthy, ...seen }).map((finding) => ({ ...finding, bytes: undefined }))
}

test('a key with a lease and a value that says the same is no finding', () => {
  const lease = { id: '7', grantedTtl: 30, remaining: 0, keys: ['/rpc/S:1.0/h:1'] }
  expect(find({ keys: [good], leases: [lease] })).toEqual([])
})

test('a key may have several faults at once', () => {
  const ghost = keyOf('/rpc/S:1.0/h:1', '[]', '0')
  expect(find({ keys: [ghost] }).map(({ kind }) => kind)).toEqual(['ghost', 'undecodable'])
})

test('a value that describes another instance is a contradiction', () => {
  expect(find({ keys: [keyOf('/rpc/S:1.0/h:2', value)] })).toMatchObject([
    { kind: 'mismatch', key: '/rpc/S:1.0/h:2', valueKey: '/rpc/S:1.0/h:1' },
  ])
})

test('keys that are not text can be told apart', () => {
  const key = Buffer.from([...Buffer.from('/rpc/'), 0xff])
  expect(find({ keys: [keyOf(key, value)] })).toMatchObject([
    { kind: 'foreign-key', key: '/rpc/\\xff' },
  ])
})

test('a key whose lease etcd does not know is astray', () => {
  expect(find({ keys: [good], strayKeys: [good] })).toMatchObject([
    { kind: 'stray-key', lease: '0000000000000007' },
  ])
})

test('of leases, the expired, the empty and the over-full are findings', () => {
  const lease = (id: string, remaining: number, count: number) => ({
    id,
    grantedTtl: 30,
    remaining,
    keys: Array.from({ length: count }, String),
  })
  const leases = [
    lease('1', -2, 1),
    lease('2', 5, 0),
    lease('3', 5, fullLease),
    lease('4', 5, fullLease + 1),
  ]
  expect(find({ leases })).toMatchObject([
    { kind: 'overdue-lease', lease: '0000000000000001', keys: 1 },
    { kind: 'orphan-lease', lease: '0000000000000002', remaining: 5 },
    { kind: 'full-lease', lease: '0000000000000004', keys: fullLease + 1 },
  ])
})

test('a member that is silent, leaderless or alarmed comes first, by its name where it is known', () => {
  const answer: MemberAnswer = {
    memberId: 'ab',
    clusterId: 'c',
    leaderId: null,
    term: '2',
    revision: '9',
    raftIndex: '9',
    dbSize: 1,
    version: '3.5.30',
    errors: [],
    latencyMs: 1,
  }
  const endpoints = [
    { endpoint: 'http://a:1', name: 'etcd1', answer, error: null },
    { endpoint: 'http://b:1', name: null, answer: null, error: absent },
    { endpoint: 'http://c:1', name: null, answer: null, error: refusal },
  ]
  const alarms = [{ alarm: 'CORRUPT' as const, memberId: 'ab' }]
  const unread = [{ what: 'leases', code: 'TIMEOUT', reason: 'no answer' }] as const
  expect(find({ endpoints, alarms, unread, keys: [keyOf('/rpc/x', '')] })).toMatchObject([
    { kind: 'alarm', alarm: 'CORRUPT', member: 'etcd1' },
    { kind: 'no-leader', member: 'etcd1' },
    { kind: 'silent-endpoint', endpoint: 'http://b:1', reason: 'nobody there' },
    { kind: 'refusing-endpoint', endpoint: 'http://c:1', reason: 'permission denied' },
    { kind: 'unread', what: 'leases', code: 'TIMEOUT', reason: 'no answer' },
    { kind: 'foreign-key' },
  ])
})

test('an etcd of which nothing answers is one finding, and none once anything does', () => {
  const silent = (endpoint: string) => ({ endpoint, name: null, answer: null, error: absent })
  const endpoints = [silent('http://a:1'), silent('http://b:1')]
  const unread = [{ what: 'keys', code: 'UNAVAILABLE', reason: 'nobody' }] as const
  expect(diagnoseReach({ ...healthy, endpoints, unread })).toEqual({
    kind: 'unreachable',
    endpoints: ['http://a:1', 'http://b:1'],
    reason: 'nobody there',
  })
  const refusing = { endpoint: 'http://c:1', name: null, answer: null, error: refusal }
  expect(diagnoseReach({ ...healthy, endpoints: [...endpoints, refusing], unread })).toBeNull()
  // Members may keep their status to themselves and still serve keys.
  expect(diagnoseReach({ ...healthy, endpoints })).toBeNull()
})
