import * as z from 'zod'
import { registryTypes } from './registry-factory.ts'
import { parseEndpoint, type RegistryEndpoint } from './registry-endpoint.ts'

/** What one setting may be, wherever it is written. */
interface SettingDoc {
  readonly [key: string]: unknown
  /** Printed when a value is refused. */
  readonly expected: string
  /** Its value is never printed. */
  readonly secret?: true
}

const docs = z.registry<SettingDoc>()

/** A schema of its own each time: what is registered for one would hold for all. */
function text(expected: string) {
  return z.string().regex(/\S/).register(docs, { expected })
}

function wholeNumber(min: number, max: number, unit: string) {
  return z
    .number()
    .int()
    .min(min)
    .max(max)
    .register(docs, { expected: `a whole number of ${unit} from ${min} to ${max}` })
}

function file(content: string) {
  return text(`the path of a PEM file with ${content}`)
}

/** Several in one text are separated by commas. */
const endpoints = z
  .union([z.string(), z.array(z.string())])
  .transform((value, context): RegistryEndpoint[] => {
    const texts = [value].flat().flatMap((each) => each.split(','))
    const written = texts.map((each) => each.trim()).filter(Boolean)
    const found = written.map(parseEndpoint).filter((endpoint) => endpoint !== null)
    if (found.length > 0 && found.length === written.length) return found
    context.issues.push({ code: 'custom', message: 'not an address', input: value })
    return z.NEVER
  })
  .register(docs, {
    expected:
      'host:port, http://host:port, https://host:port or unix:///path, several separated by commas',
  })

/** The settings of a registry by the names that the rest of the project uses. */
export const registrySettings = z.object({
  type: z
    .string()
    .refine((value) => registryTypes.includes(value))
    .register(docs, { expected: `a known registry (${registryTypes.join(', ')})` }),
  endpoints,
  username: text("the name of one of the registry's users"),
  password: z.string().min(1).register(docs, { expected: 'a password as text', secret: true }),
  caFile: file("the authorities' certificates"),
  certFile: file('our certificate'),
  keyFile: file("our certificate's private key"),
  /** Lease of a registration. */
  ttlSeconds: wholeNumber(1, 86_400, 'seconds'),
  /** For one call with all its attempts. */
  timeoutMs: wholeNumber(1, 3_600_000, 'milliseconds'),
  snapshotDir: text('the path of a directory'),
  /** 0: a followed view does not doubt what etcd says. */
  guardMs: wholeNumber(0, 86_400_000, 'milliseconds'),
  staleAfterMs: wholeNumber(1, 3_600_000, 'milliseconds'),
})

export type RegistrySettings = z.infer<typeof registrySettings>
export type SettingName = keyof RegistrySettings

export function docOf(name: SettingName): SettingDoc {
  const { shape } = registrySettings
  return docs.get(shape[name]) ?? { expected: 'a value' }
}

export function takesNumber(name: SettingName): boolean {
  return registrySettings.shape[name] instanceof z.ZodNumber
}
