import { createHash, randomBytes } from 'node:crypto'

/**
 * Whoever knows a lab's token is its reader: `<boot>.<secret>`, where `boot` names the start of the
 * server that made it, so that a token of an earlier start is recognised after a restart, and
 * `secret` is 32 random bytes, base64url.
 */
export function createToken(boot: string): string {
  return `${boot}.${randomBytes(32).toString('base64url')}`
}

export function createBoot(): string {
  return randomBytes(6).toString('hex')
}

/** The boot of a well-formed token, else null. */
export function bootOf(token: string): string | null {
  return /^([0-9a-f]{12})\.[\w-]{43}$/.exec(token)?.[1] ?? null
}

/**
 * What the server keeps instead of the token. Looking up a digest tells an attacker who measures
 * time nothing about the token behind it.
 */
export function digestToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
