import { isIPv4, isIPv6 } from 'node:net'

/**
 * What each field of an instance may be. A rule answers null, or what is wrong and what was
 * expected, in words that follow "serviceName …" or "the name …".
 */

/** Longest values, in UTF-16 units. Long enough for any class or DNS name; a key stays below 1 KB. */
export const longest = { name: 255, version: 64, host: 253, group: 128 } as const

// Control, format, line and paragraph separator, surrogate without partner, any white space.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]/u

export function nameProblem(label: string, value: unknown): string | null {
  return keyTextProblem(label, value, longest.name)
}

export function versionProblem(label: string, value: unknown): string | null {
  return keyTextProblem(label, value, longest.version)
}

/** Not part of the key, so "/" and ":" may stand in it. */
export function groupProblem(label: string, value: unknown): string | null {
  return textProblem(label, value, longest.group)
}

/** A host name, an IPv4 address, or an IPv6 address in brackets. */
export function hostProblem(label: string, value: unknown): string | null {
  const text = textProblem(label, value, longest.host)
  if (text || typeof value !== 'string') return text
  if (value.startsWith('[') || value.includes(':')) return ipv6Problem(label, value)
  if (/^[\d.]+$/.test(value) && !isIPv4(value))
    return `${label} is ${quoted(value)}, expected an IPv4 address such as 10.0.0.7`
  // A trailing dot makes a name absolute.
  const labels = value.replace(/\.$/, '').split('.')
  return labels.every((part) => /^\w([\w-]{0,61}\w)?$/.test(part))
    ? null
    : `${label} is ${quoted(value)}, expected a host name (letters, digits, "-", "_" and "."), an IPv4 address, or an IPv6 address in brackets`
}

export function portProblem(label: string, value: unknown): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535)
    return null
  return `${label} is ${shortly(value)}, expected a whole number from 1 to 65535`
}

export function ttlProblem(label: string, value: unknown): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 86_400)
    return null
  return `${label} is ${shortly(value)}, expected a whole number of seconds from 1 to 86400`
}

/** `::1` becomes `[::1]`; everything else stays. */
export function bracketIpv6(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function ipv6Problem(label: string, value: string): string | null {
  const inner = /^\[(.*)\]$/s.exec(value)?.[1]
  if (inner !== undefined && isIPv6(inner) && !inner.includes('%')) return null
  return `${label} is ${quoted(value)}, expected an IPv6 address in brackets such as [::1]`
}

function keyTextProblem(label: string, value: unknown, max: number): string | null {
  const problem = textProblem(label, value, max)
  if (problem || typeof value !== 'string') return problem
  const separator = /[/:]/.exec(value)?.[0]
  if (!separator) return null
  return `${label} is ${quoted(value)}, expected no "${separator}", which separates the parts of the key`
}

function textProblem(label: string, value: unknown, max: number): string | null {
  if (typeof value !== 'string') return `${label} is ${shortly(value)}, expected text`
  if (value === '') return `${label} is empty`
  if (value.length > max) return `${label} has ${value.length} characters, expected at most ${max}`
  const hidden = invisible.exec(value)?.[0]
  if (hidden === undefined) return null
  const code = hidden.codePointAt(0) ?? 0
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return `${label} holds ${name}, expected no white space and no invisible character`
}

function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
}

function shortly(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return value === undefined ? 'missing' : value === null ? 'null' : `of type ${typeof value}`
}
