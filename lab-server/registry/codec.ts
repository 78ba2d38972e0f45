import { isUtf8 } from 'node:buffer'
import { toBuffer } from '../etcd/wire.ts'
import { describeProblem, invalidInstance, type InstanceProblem } from './instance-problem.ts'
import { bracketIpv6, hostProblem, portProblem } from './instance-rules.ts'
import type { ServiceInstance } from './registry.ts'
import { defaultVersion, type KeyParts } from './service-key.ts'

/** Group of an instance that names none. */
export const defaultGroup = 'default'

/**
 * An instance as the Java side holds it: any field may be null. Absent version and group read as
 * their defaults, an explicit null stays null, exactly as Java's reader leaves it.
 */
export interface JavaInstance extends KeyParts {
  readonly serviceGroup: string | null
  /** Fields Java does not know, in their order. Integers beyond 2^53 are bigint. */
  readonly extra?: Readonly<Record<string, unknown>>
}

export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/** The fields of the wire format, in the order Java writes them. */
const fields = [
  'serviceName',
  'serviceVersion',
  'serviceHost',
  'servicePort',
  'serviceGroup',
] as const

/** Java's reader fills a field from its snake_case spelling too. */
const snakeCase = {
  serviceName: 'service_name',
  serviceVersion: 'service_version',
  serviceHost: 'service_host',
  servicePort: 'service_port',
  serviceGroup: 'service_group',
} as const

/** Getters that some writers add; Java's reader ignores them and its writer never writes them. */
const derived = ['serviceKey', 'serviceNodeKey', 'serviceAddress'] as const

/** Names that `extra` must not use: they belong to the wire format. */
export const reservedFields: ReadonlySet<string> = new Set([
  ...fields,
  ...Object.values(snakeCase),
  ...derived,
])

/**
 * The bytes Java's writer (hutool's JSON) would write, followed by the unknown fields. Null and
 * absent fields are left out. Throws `INVALID_INSTANCE` when `extra` holds what JSON cannot say.
 */
export function encodeInstance(instance: JavaInstance): string {
  const known = fields.map((name) => [name, instance[name] ?? undefined] as const)
  return encodeObject([...known, ...Object.entries(instance.extra ?? {})], 'extra', 0)
}

/**
 * What Java's reader makes of a value, except that it is stricter where Java's leniency would hide
 * a fault: no port beyond 32 bits (Java wraps it silently), and JSON only (no single quotes, no
 * trailing comma). Never throws.
 */
export function readJavaValue(text: string): Decoded<JavaInstance> {
  return attempt(() => readFields(parseObject(text)))
}

/** The instance behind a stored value, or why no consumer could call it. Never throws. */
export function decodeInstance(bytes: Uint8Array): Decoded<ServiceInstance> {
  return attempt(() => toServiceInstance(readFields(parseObject(decodeUtf8(bytes)))))
}

/** Fills the defaults; refuses what names no service or no address that could be dialled. */
function toServiceInstance(java: JavaInstance): ServiceInstance {
  const { serviceName, serviceHost, servicePort, extra } = java
  if (!serviceName) throw new Undecodable('serviceName is missing')
  if (!serviceHost) throw new Undecodable('serviceHost is missing')
  if (servicePort === null) throw new Undecodable('servicePort is missing')
  const problem = dialProblem(serviceHost) ?? portProblem(servicePort)
  if (problem) throw new Undecodable(describeProblem(problem))
  const instance = {
    serviceName,
    serviceVersion: java.serviceVersion ?? defaultVersion,
    serviceHost,
    servicePort,
    serviceGroup: java.serviceGroup ?? defaultGroup,
  }
  return extra ? { ...instance, extra } : instance
}

/** Java providers may leave out the brackets of IPv6 and may put a scheme before the host. */
function dialProblem(host: string): InstanceProblem | null {
  return hostProblem(bracketIpv6(host.replace(/^https?:\/\//, '')))
}

type JsonObject = Readonly<Record<string, unknown>>

function readFields(json: JsonObject): JavaInstance {
  const unknown = Object.keys(json).filter((name) => !reservedFields.has(name))
  const instance = {
    serviceName: readText(json, 'serviceName') ?? null,
    serviceVersion: orDefault(readText(json, 'serviceVersion'), defaultVersion),
    serviceHost: readText(json, 'serviceHost') ?? null,
    servicePort: readPort(json),
    serviceGroup: orDefault(readText(json, 'serviceGroup'), defaultGroup),
  }
  if (unknown.length === 0) return instance
  // fromEntries defines own properties: a field called __proto__ stays a field.
  return { ...instance, extra: Object.fromEntries(unknown.map((name) => [name, json[name]])) }
}

function readField(json: JsonObject, name: keyof typeof snakeCase): unknown {
  return Object.hasOwn(json, name) ? json[name] : json[snakeCase[name]]
}

/** Undefined when absent: only then does a default apply. */
function readText(
  json: JsonObject,
  name: Exclude<keyof typeof snakeCase, 'servicePort'>,
): string | null | undefined {
  const value = readField(json, name)
  if (value === undefined || value === null || typeof value === 'string') return value
  throw new Undecodable(`${name} is ${kindOf(value)}, expected text`)
}

function readPort(json: JsonObject): number | null {
  const value = readField(json, 'servicePort')
  if (value === undefined || value === null) return null
  const port = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  // The range of Java's Integer.
  if (typeof port === 'number' && (port | 0) === port) return port
  throw new Undecodable(`servicePort is ${kindOf(value)}, expected a whole number of 32 bits`)
}

function orDefault(value: string | null | undefined, fallback: string): string | null {
  return value === undefined ? fallback : value
}

class Undecodable extends Error {}

function attempt<T>(read: () => T): Decoded<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    if (error instanceof Undecodable) return { ok: false, reason: error.message }
    // Deep nesting exhausts the stack of the reviver.
    if (error instanceof RangeError) return { ok: false, reason: 'the value is nested too deep' }
    throw error
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Undecodable('the value is not UTF-8')
  // A byte order mark is kept, so that it is refused as Java refuses it.
  return toBuffer(bytes).toString('utf8')
}

function parseObject(text: string): JsonObject {
  const json = parseJson(text)
  if (isJsonObject(json)) return json
  throw new Undecodable(`the value is ${kindOf(json)}, expected a JSON object`)
}

function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw new Undecodable('the value is empty')
  try {
    // Only long numbers need the slower way.
    return /\d{16}/.test(text) ? JSON.parse(text, keepLongIntegers) : JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Undecodable('the value is not JSON', { cause: error })
  }
}

/** The third argument of a reviver, which TypeScript does not know yet. */
type ReviverContext = { readonly source?: string }

function keepLongIntegers(_key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Deeper than anything a provider means to say, and far from the end of the stack. */
const deepest = 32

function encodeValue(value: unknown, path: string, depth: number): string {
  if (typeof value === 'string') return quote(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (depth >= deepest) throw unsayable({ kind: 'too-deep', path, max: deepest })
  if (Array.isArray(value)) return encodeArray(value, path, depth)
  if (isPlainObject(value)) return encodeObject(Object.entries(value), path, depth)
  throw unsayable({ kind: 'not-json', path })
}

function encodeArray(items: readonly unknown[], path: string, depth: number): string {
  const texts = items.map((item, index) => encodeValue(item, `${path}[${index}]`, depth + 1))
  return `[${texts.join(',')}]`
}

function encodeObject(
  entries: readonly (readonly [string, unknown])[],
  path: string,
  depth: number,
): string {
  const members = entries
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${quote(name)}:${encodeValue(value, `${path}.${name}`, depth + 1)}`)
  return `{${members.join(',')}}`
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function unsayable(problem: InstanceProblem): Error {
  return invalidInstance({ subject: 'instance', text: '', problems: [problem] })
}

/** hutool escapes some characters that JSON.stringify leaves as they are. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\u00a0\u2000-\u2010\u2028-\u202f\u2066-\u206f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
