import { isIPv4, isIPv6 } from 'node:net'
import {
  cutText,
  type FoundProblem,
  type InstanceField,
  type InstanceProblem,
} from './instance-problem.ts'

/** What each field of an instance may be. A rule answers null, or what is wrong. */

/** Longest values, in UTF-16 units. Long enough for any class or DNS name; a key stays below 1 KB. */
export const longest = { name: 255, version: 64, host: 253, group: 128 } as const

export const ports = { min: 1, max: 65_535 } as const

// Control, format, line and paragraph separator, surrogate without partner, any white space.
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]/u

export function nameProblem(value: unknown): InstanceProblem | null {
  return keyTextProblem('name', value, longest.name)
}

export function versionProblem(value: unknown): InstanceProblem | null {
  return keyTextProblem('version', value, longest.version)
}

/** Not part of the key, so "/" and ":" may stand in it. */
export function groupProblem(value: unknown): InstanceProblem | null {
  return textProblem('group', value, longest.group)
}

/** A host name, an IPv4 address, or an IPv6 address in brackets. */
export function hostProblem(value: unknown): InstanceProblem | null {
  const text = textProblem('host', value, longest.host)
  if (text || typeof value !== 'string') return text
  const facts = { field: 'host', value: cutText(value) } as const
  if (value.startsWith('[') || value.includes(':'))
    return isBracketedIpv6(value) ? null : { kind: 'not-ipv6', ...facts }
  if (/^[\d.]+$/.test(value) && !isIPv4(value)) return { kind: 'not-ipv4', ...facts }
  // A trailing dot makes a name absolute.
  const labels = value.replace(/\.$/, '').split('.')
  return labels.every((part) => /^\w([\w-]{0,61}\w)?$/.test(part))
    ? null
    : { kind: 'not-host', ...facts }
}

export function portProblem(value: unknown): InstanceProblem | null {
  return rangeProblem('port', value, ports)
}

/** Seconds. */
export function ttlProblem(value: unknown): InstanceProblem | null {
  return rangeProblem('ttl', value, { min: 1, max: 86_400 })
}

/** `::1` becomes `[::1]`; everything else stays. */
export function bracketIpv6(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function isBracketedIpv6(value: string): boolean {
  const inner = /^\[(.*)\]$/s.exec(value)?.[1]
  return inner !== undefined && isIPv6(inner) && !inner.includes('%')
}

function rangeProblem(
  field: InstanceField,
  value: unknown,
  { min, max }: { min: number; max: number },
): InstanceProblem | null {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
    return null
  return { kind: 'not-in-range', field, ...foundFacts(value), min, max }
}

function keyTextProblem(field: InstanceField, value: unknown, max: number): InstanceProblem | null {
  const problem = textProblem(field, value, max)
  if (problem || typeof value !== 'string') return problem
  const separator = /[/:]/.exec(value)?.[0]
  return separator ? { kind: 'separator', field, value: cutText(value), separator } : null
}

function textProblem(field: InstanceField, value: unknown, max: number): InstanceProblem | null {
  if (typeof value !== 'string') return { kind: 'not-text', field, ...foundFacts(value) }
  if (value === '') return { kind: 'empty', field }
  if (value.length > max) return { kind: 'too-long', field, length: value.length, max }
  const hidden = invisible.exec(value)?.[0]
  if (hidden === undefined) return null
  const code = hidden.codePointAt(0) ?? 0
  const character = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return { kind: 'invisible', field, character }
}

function foundFacts(value: unknown): Pick<FoundProblem, 'type' | 'value'> {
  const type = value === null ? 'null' : typeof value
  if (typeof value === 'string') return { type, value: cutText(value) }
  const written = typeof value === 'number' || typeof value === 'bigint'
  return { type, value: written ? String(value) : '' }
}
