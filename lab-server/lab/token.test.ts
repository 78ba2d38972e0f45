import { expect, test } from 'vitest'
import { bootOf, createBoot, createToken, digestToken } from './token.ts'

test('a token carries its boot and 32 random bytes', () => {
  const boot = createBoot()
  const tokens = new Set(Array.from({ length: 100 }, () => createToken(boot)))
  expect(tokens.size).toBe(100)
  for (const token of tokens) {
    expect(bootOf(token)).toBe(boot)
    expect(Buffer.from(token.slice(boot.length + 1), 'base64url')).toHaveLength(32)
  }
})

test.each([
  '',
  '.',
  'x'.repeat(256),
  `${'a'.repeat(12)}.short`,
  `${'a'.repeat(12)}.${'!'.repeat(43)}`,
])('finds no boot in %j', (token) => {
  expect(bootOf(token)).toBeNull()
})

test('only the same token has the same digest, which tells nothing of it', () => {
  const [one, other] = [createToken('0123456789ab'), createToken('0123456789ab')]
  expect(digestToken(one)).toBe(digestToken(one))
  expect(digestToken(one)).not.toBe(digestToken(other))
  expect(digestToken(one)).toMatch(/^[0-9a-f]{64}$/)
})
