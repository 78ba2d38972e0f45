import { expect, test } from 'vitest'
import { isNewEnough } from './node.mjs'

test.each(['v18.20.8', 'v20.20.2', 'v22.22.3', 'v23.11.1', 'v24.15.0'])(
  'Node %s is older than every tool supports',
  (version) => expect(isNewEnough(version)).toBe(false),
)

test.each(['v25.0.0', 'v25.9.1', 'v26.0.0', 'v26.2.0'])(
  'Node %s is newer than 24 but not supported by every tool',
  (version) => expect(isNewEnough(version)).toBe(false),
)

test.each(['v24.16.0', 'v24.21.0', 'v26.3.0', 'v26.10.0', 'v27.0.0'])(
  'Node %s is used as it is',
  (version) => expect(isNewEnough(version)).toBe(true),
)
