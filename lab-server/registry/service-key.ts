import { isUtf8 } from 'node:buffer'
import { isIPv6 } from 'node:net'
import type { LabError } from '../../protocol/index.ts'
import { toBuffer } from '../etcd/wire.ts'
import { cutText, invalidInstance, type InstanceProblem } from './instance-problem.ts'
import { hostProblem, nameProblem, ports, versionProblem } from './instance-rules.ts'
import type { ServiceId } from './registry.ts'

/** Every key of the registry starts with this. */
export const rpcRoot = '/rpc/'

/** Version of a service that is named without one. */
export const defaultVersion = '1.0'

/** What keys are made of. Null is what a Java provider that left a field unset has. */
export interface KeyParts {
  readonly serviceName: string | null
  readonly serviceVersion: string | null
  readonly serviceHost: string | null
  readonly servicePort: number | null
}

/** `UserService:1.0`. */
export function formatServiceId(id: ServiceId): string {
  return `${id.name}:${id.version}`
}

/** `/rpc/UserService:1.0/`: all instances of the service, and of no other, start with it. */
export function servicePrefix(id: ServiceId): string {
  return `${rpcRoot}${formatServiceId(id)}/`
}

/** The service of such a prefix: `UserService:1.0`. */
export function serviceOfPrefix(prefix: string): string {
  return prefix.slice(rpcRoot.length, -1)
}

/** `UserService:1.0/localhost:8080`, what Java calls the service node key. */
export function nodeKey(parts: KeyParts): string {
  // An unset field becomes the word "null", as in Java's string concatenation.
  return `${parts.serviceName}:${parts.serviceVersion}/${parts.serviceHost}:${parts.servicePort}`
}

/** `/rpc/UserService:1.0/localhost:8080`: where the instance lives in etcd. */
export function instanceKey(parts: KeyParts): string {
  return rpcRoot + nodeKey(parts)
}

/** The address a Java consumer dials: `http://` unless the host already contains "http". */
export function instanceAddress(parts: KeyParts): string {
  const address = `${parts.serviceHost}:${parts.servicePort}`
  return `${parts.serviceHost}`.includes('http') ? address : `http://${address}`
}

/** A key need not be text: bytes that are not UTF-8 show as `\xNN`, so no two keys look alike. */
export function keyText(key: Uint8Array): string {
  const bytes = toBuffer(key)
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return bytes
    .toString('latin1')
    .replace(/[^\x20-\x5b\x5d-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

export interface ParsedKey {
  readonly service: ServiceId
  readonly host: string
  readonly port: number
}

/**
 * The way back from a key; null for whatever is not an instance key. It is lenient where Java
 * writers are: a name may hold "/" and ":", an IPv6 host may lack its brackets. The address is what
 * follows the last "/", the version what follows the last ":" before it.
 */
export function parseInstanceKey(key: string): ParsedKey | null {
  if (!key.startsWith(rpcRoot)) return null
  const match = /^(.+):([^:]+)\/([^/]+):([1-9]\d{0,4})$/s.exec(key.slice(rpcRoot.length))
  const [, name, version, host, port] = match ?? []
  if (!name || !version || !host || !port || Number(port) > 65535) return null
  return { service: { name, version }, host, port: Number(port) }
}

/**
 * True when `parseInstanceKey` finds in the key the service of this prefix (`servicePrefix`), at a
 * fraction of the cost.
 */
export function isKeyOf(prefix: string, key: string): boolean {
  // A version that ends in ":" cannot be read back.
  if (!key.startsWith(prefix) || prefix.endsWith(':/')) return false
  const address = /^[^/]+:([1-9]\d{0,4})$/.exec(key.slice(prefix.length))
  return address !== null && Number(address[1]) <= ports.max
}

/** Reads `UserService:1.0` or `UserService`. Throws `INVALID_INSTANCE`. */
export function parseServiceId(text: string): ServiceId {
  const [name = '', version = defaultVersion, ...rest] = text.split(':')
  if (rest.length > 0) throw refused('service', text, { kind: 'many-colons' })
  const problem = nameProblem(name) ?? versionProblem(version)
  if (problem) throw refused('service', text, problem)
  return { name, version }
}

/**
 * Reads `host:port`; an IPv6 address stands in brackets, as in a URL, and keeps them, because the
 * key and the address need them. Throws `INVALID_INSTANCE`.
 */
export function parseAddress(text: string): { host: string; port: number } {
  if (text.includes('/')) throw refused('address', text, { kind: 'url' })
  if (isIPv6(text) || /^[^[\]]*:[^[\]]*:/.test(text))
    throw refused('address', text, { kind: 'bare-ipv6' })
  const match = /^(\[[^\]]*\]|[^:]*):(\d*)$/.exec(text)
  const [, host = '', port = ''] = match ?? []
  if (!match) throw refused('address', text, { kind: 'no-port' })
  const problem = hostProblem(host)
  if (problem) throw refused('address', text, problem)
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > ports.max)
    throw refused('address', text, { kind: 'not-port', ...ports })
  return { host, port: Number(port) }
}

function refused(subject: 'service' | 'address', text: string, problem: InstanceProblem): LabError {
  return invalidInstance({ subject, text: cutText(text), problems: [problem] })
}
