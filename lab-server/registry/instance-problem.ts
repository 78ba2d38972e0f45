import * as z from 'zod'
import { LabError } from '../../protocol/index.ts'

const field = z.enum(['name', 'version', 'host', 'port', 'group', 'ttl'])

/** A value that is not what its field holds; `value` is empty for types that are not written out. */
const found = {
  field,
  type: z.enum([
    'undefined',
    'null',
    'string',
    'number',
    'bigint',
    'boolean',
    'object',
    'symbol',
    'function',
  ]),
  value: z.string(),
}

const instanceProblem = z.discriminatedUnion('kind', [
  // What one field holds
  z.object({ kind: z.literal('not-text'), ...found }),
  z.object({ kind: z.literal('empty'), field }),
  /** Both in UTF-16 units. */
  z.object({ kind: z.literal('too-long'), field, length: z.number(), max: z.number() }),
  /** `character` as U+202E: it cannot be shown. */
  z.object({ kind: z.literal('invisible'), field, character: z.string() }),
  z.object({ kind: z.literal('separator'), field, value: z.string(), separator: z.string() }),
  z.object({ kind: z.literal('not-ipv4'), field, value: z.string() }),
  z.object({ kind: z.literal('not-ipv6'), field, value: z.string() }),
  z.object({ kind: z.literal('not-host'), field, value: z.string() }),
  /** A TTL in seconds, or a port. */
  z.object({ kind: z.literal('not-in-range'), ...found, min: z.number(), max: z.number() }),
  // How a service or an address is written
  z.object({ kind: z.literal('many-colons') }),
  z.object({ kind: z.literal('half-service') }),
  z.object({ kind: z.literal('url') }),
  z.object({ kind: z.literal('bare-ipv6') }),
  z.object({ kind: z.literal('no-port') }),
  z.object({ kind: z.literal('not-port'), min: z.number(), max: z.number() }),
  // The value as a whole
  z.object({ kind: z.literal('reserved'), names: z.string() }),
  z.object({ kind: z.literal('too-large'), bytes: z.number(), max: z.number() }),
  /** `path` as `extra.tags[0]`. */
  z.object({ kind: z.literal('not-json'), path: z.string() }),
  z.object({ kind: z.literal('too-deep'), path: z.string(), max: z.number() }),
])

const instanceRefusal = z.object({
  /** What was refused: a text that should name a service or an address, or a whole instance. */
  subject: z.enum(['service', 'address', 'instance']),
  /** The text, cut to 80 characters; an instance has none. */
  text: z.string(),
  problems: z.array(instanceProblem).check(z.minLength(1)),
})

export type InstanceField = z.infer<typeof field>
/** One thing that is wrong: what kind of thing, and the facts its sentence needs. */
export type InstanceProblem = z.infer<typeof instanceProblem>
/** One that tells what was found instead. */
export type FoundProblem = Extract<InstanceProblem, { kind: 'not-text' | 'not-in-range' }>
export type InstanceRefusal = z.infer<typeof instanceRefusal>

type Details = LabError['details']

/** The names of the fields in an instance. */
const instanceFields: Readonly<Record<InstanceField, string>> = {
  name: 'serviceName',
  version: 'serviceVersion',
  host: 'serviceHost',
  port: 'servicePort',
  group: 'serviceGroup',
  ttl: 'ttlSeconds',
}

/** The beginning of a text, for a sentence that quotes it. */
export function cutText(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** `INVALID_INSTANCE`, with the English sentence as its message and the facts in its details. */
export function invalidInstance(refusal: InstanceRefusal): LabError {
  return new LabError('INVALID_INSTANCE', describeRefusal(refusal), { details: toDetails(refusal) })
}

/** The way back from the details of an `INVALID_INSTANCE`; null when they say nothing of it. */
export function readRefusal(details: Details): InstanceRefusal | null {
  const problems: Details[] = []
  for (let facts = details; facts['kind'] !== undefined;) {
    problems.push(facts)
    facts = numbered(details, problems.length + 1)
  }
  const read = instanceRefusal.safeParse({ ...details, problems })
  return read.success ? read.data : null
}

/** Details are flat: the second problem is `kind2`, `field2` … */
function toDetails({ subject, text, problems }: InstanceRefusal): Details {
  const details: Record<string, string | number> = { subject, text }
  for (const [index, problem] of problems.entries()) {
    const number = index === 0 ? '' : String(index + 1)
    for (const [name, fact] of Object.entries(problem)) details[name + number] = fact
  }
  return details
}

function numbered(details: Details, number: number): Details {
  const own = Object.entries(details).flatMap(([name, fact]) => {
    const [, base, suffix] = /^(\D+)(\d+)$/.exec(name) ?? []
    return base !== undefined && Number(suffix) === number ? [[base, fact] as const] : []
  })
  return Object.fromEntries(own)
}

/** The whole refusal in English. */
export function describeRefusal({ subject, text, problems }: InstanceRefusal): string {
  const [first] = problems
  if (first?.kind === 'half-service')
    return `${JSON.stringify(text)} is not a service, ${describeProblem(first)}`
  if (first?.kind === 'not-json' || first?.kind === 'too-deep') return describeProblem(first)
  const label = (field: InstanceField) =>
    subject === 'instance' ? instanceFields[field] : `the ${field}`
  const why = problems.map((problem) => describeProblem(problem, label)).join('; ')
  if (subject === 'instance') return `not registered: ${why}`
  return subject === 'service'
    ? `${JSON.stringify(text)} is not a service: ${why}. Expected name:version or name, for example UserService:1.0`
    : `${JSON.stringify(text)} is not an address: ${why}. Expected host:port, for example 127.0.0.1:8080 or [::1]:8080`
}

/** What is wrong and what was expected, in English, with no full stop. */
export function describeProblem(
  problem: InstanceProblem,
  label: (field: InstanceField) => string = (field) => instanceFields[field],
): string {
  switch (problem.kind) {
    case 'not-text':
      return `${label(problem.field)} is ${describeFound(problem)}, expected text`
    case 'empty':
      return `${label(problem.field)} is empty`
    case 'too-long':
      return `${label(problem.field)} has ${problem.length} characters, expected at most ${problem.max}`
    case 'invisible':
      return `${label(problem.field)} holds ${problem.character}, expected no white space and no invisible character`
    case 'separator':
      return `${label(problem.field)} is ${JSON.stringify(problem.value)}, expected no "${problem.separator}", which separates the parts of the key`
    case 'not-ipv4':
      return `${label(problem.field)} is ${JSON.stringify(problem.value)}, expected an IPv4 address such as 10.0.0.7`
    case 'not-ipv6':
      return `${label(problem.field)} is ${JSON.stringify(problem.value)}, expected an IPv6 address in brackets such as [::1]`
    case 'not-host':
      return `${label(problem.field)} is ${JSON.stringify(problem.value)}, expected a host name (letters, digits, "-", "_" and "."), an IPv4 address, or an IPv6 address in brackets`
    case 'not-in-range': {
      const unit = problem.field === 'ttl' ? ' of seconds' : ''
      return `${label(problem.field)} is ${describeFound(problem)}, expected a whole number${unit} from ${problem.min} to ${problem.max}`
    }
    case 'many-colons':
      return 'there is more than one ":"'
    case 'half-service':
      return 'expected a name and a version'
    case 'url':
      return 'no "http://" and no path belong here'
    case 'bare-ipv6':
      return 'an IPv6 address needs brackets before the port'
    case 'no-port':
      return 'the port is missing'
    case 'not-port':
      return `the port should be a whole number from ${problem.min} to ${problem.max}`
    case 'reserved':
      return `extra holds ${problem.names}, expected only fields that the wire format does not define`
    case 'too-large':
      return `the value has ${problem.bytes} bytes, expected at most ${problem.max}`
    case 'not-json':
      return `${problem.path} is not a value of JSON`
    case 'too-deep':
      return `${problem.path} is nested deeper than ${problem.max} levels`
  }
}

function describeFound({ type, value }: FoundProblem): string {
  if (type === 'string') return JSON.stringify(value)
  if (type === 'number' || type === 'bigint') return value
  if (type === 'undefined') return 'missing'
  return type === 'null' ? 'null' : `of type ${type}`
}
