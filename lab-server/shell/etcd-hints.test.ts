import { expect, test } from 'vitest'
import { LabError } from '../../protocol/index.ts'
import { withWayOut } from './etcd-hints.ts'
import { describeError } from './shell-error.ts'

const refused = (etcd: string) =>
  new LabError('ETCD_REFUSED', `put on unix://etcd1.sock: ${etcd}`, { details: { etcd } })

test.each([
  ['etcdserver: user name is empty', 'auth disable', '认证已开启'],
  ['etcdserver: mvcc: database space exceeded', 'alarm disarm', '配额'],
])('%s comes with the way out, in both languages', (etcd, command, chinese) => {
  const error = withWayOut(refused(etcd))
  expect(error).toMatchObject({ code: 'ETCD_REFUSED', details: { etcd } })
  expect(describeError(error, 'en')).toContain(etcd)
  expect(describeError(error, 'en')).toContain(command)
  expect(describeError(error, 'zh-CN')).toContain(chinese)
})

test('every other error stays as it came', () => {
  const others = [
    refused('etcdserver: duplicate key given in txn request'),
    new LabError('TIMEOUT', 'etcdserver: user name is empty'),
  ]
  for (const error of others) expect(withWayOut(error)).toBe(error)
})
