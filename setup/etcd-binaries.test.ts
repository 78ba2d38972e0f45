import { expect, test } from 'vitest'
import { compareVersions } from './etcd-binaries.mjs'

test.each([
  ['3.4.23', '3.5', -1],
  ['3.5.0', '3.5', 0],
  ['3.5.9', '3.5.30', -1],
  ['3.10.0', '3.9.9', 1],
  ['4.0.0', '3.99.99', 1],
])('%s compared with %s is %i, number by number', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign)
})
