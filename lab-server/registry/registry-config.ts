import { parseDocument } from 'yaml'
import { LabError } from '../../protocol/index.ts'
import type { Credentials } from '../etcd/auth-session.ts'
import type { TlsFiles } from '../etcd/tls-files.ts'
import { registryDefaults } from './registry-defaults.ts'
import { endpointWarning, formatEndpoint, type RegistryEndpoint } from './registry-endpoint.ts'
import {
  environmentLayout,
  fileLayouts,
  flagsLayout,
  optionsLayout,
  type Layout,
} from './registry-layouts.ts'
import {
  docOf,
  registrySettings,
  takesNumber,
  type RegistrySettings,
  type SettingName,
} from './registry-settings.ts'

/** Everything a registry is made from. */
export interface RegistryConfig {
  /** A key of `registryTypes`. */
  readonly type: string
  /** `http://host:port`, `https://host:port` or `unix:///path`; at least one. */
  readonly endpoints: readonly string[]
  /** Null: as nobody, for a registry that asks nobody who he is. */
  readonly credentials: Credentials | null
  /** Null: no certificates of our own, neither to trust nor to show. */
  readonly tls: TlsFiles | null
  /** Lease of a registration, unless it asks for another one. */
  readonly ttlSeconds: number
  /** For one call with all its attempts. */
  readonly timeoutMs: number
  /** Where followed services are kept between processes; null: nowhere. */
  readonly snapshotDir: string | null
  /** How long a followed view keeps instances that a restored or exchanged etcd does not know. */
  readonly guardMs: number
  /** After so long without a word of the registry a followed view is stale. */
  readonly staleAfterMs: number
}

/** What a program says about its registry; a whole `RegistryConfig` is one too. */
export interface RegistryOptions {
  /** Default: etcd. */
  readonly type?: string
  /**
   * Several in one text are separated by commas; `http://` and the port 2379 may be left out.
   * Default: `http://127.0.0.1:2379`.
   */
  readonly endpoints?: string | readonly string[]
  /** A user of the registry. Default: none. */
  readonly credentials?: Partial<Credentials> | null
  /** For `https://`, which is then the scheme of addresses without one. */
  readonly tls?: TlsFiles | null
  /** Lease of a registration, unless it asks for another one. Default 30. */
  readonly ttlSeconds?: number
  /** For one call with all its attempts, milliseconds. Default 10 000. */
  readonly timeoutMs?: number
  /** Directory where followed services are kept between processes. Default: none. */
  readonly snapshotDir?: string | null
  /**
   * How long instances that a restored or exchanged etcd does not know stay in a followed view,
   * milliseconds. Default 30 000.
   */
  readonly guardMs?: number
  /** After so long without a word of etcd a followed view is stale, milliseconds. Default 5000. */
  readonly staleAfterMs?: number
}

export interface RegistrySources {
  /** Options of a command line, with their dashes; see `flagsLayout`. */
  readonly flags?: Readonly<Record<string, string>>
  readonly options?: RegistryOptions
  /** Only `MING_REGISTRY_…` is looked at. An empty variable counts as not set. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** YAML; `name` is only for messages. */
  readonly file?: { readonly name: string; readonly text: string }
  /** Instead of our own, where no source says anything. */
  readonly defaults?: { readonly timeoutMs?: number }
}

interface Found {
  readonly path: string
  readonly given: unknown
}
type FoundSettings = Map<SettingName, Found>

const environmentPrefix = 'MING_REGISTRY_'

const defaultEndpoint: RegistryEndpoint = { scheme: null, place: '127.0.0.1:2379' }
const defaultTimeoutMs = 10_000

/**
 * Flags before options before environment before file before defaults, each setting by itself. Throws one
 * `LabError` `CONFIG` that lists every problem as `path: expected x, received y`. `warnings` are
 * sentences for a log.
 */
export function readRegistryConfig(sources: RegistrySources = {}): {
  readonly config: RegistryConfig
  readonly warnings: readonly string[]
} {
  const reader = new SettingsReader()
  const byPrecedence = [
    reader.read(flagValues(sources.flags ?? {}), '', flagsLayout),
    reader.read(sources.options ?? {}, '', optionsLayout),
    reader.read(environmentValues(sources.env ?? {}), '', environmentLayout),
    ...(sources.file === undefined ? [] : [readFile(reader, sources.file)]),
  ]
  const found: FoundSettings = new Map(byPrecedence.toReversed().flatMap((each) => [...each]))
  checkTogether(found, reader)
  if (reader.problems.length > 0) throw wrongSettings(reader.problems)
  const values = [...found].map(([name, { given }]) => [name, given])
  return toConfig({
    ...sources.defaults,
    ...registrySettings.partial().parse(Object.fromEntries(values)),
  })
}

/** Walks sources and collects what is wrong with them. */
class SettingsReader {
  readonly problems: string[] = []

  read(source: unknown, path: string, layout: Layout): FoundSettings {
    const found: FoundSettings = new Map()
    if (source === undefined || source === null) return found
    if (!isRecord(source)) {
      this.report(path, `a block of ${Object.keys(layout).join(', ')}`, describe(source))
      return found
    }
    for (const [key, given] of Object.entries(source)) {
      const at = path === '' ? key : `${path}.${key}`
      const target = Object.hasOwn(layout, key) ? layout[key] : undefined
      if (target === undefined) {
        this.report(at, `one of ${Object.keys(layout).join(', ')}`, 'an unknown key')
      } else if (typeof target === 'object') {
        for (const [name, inner] of this.read(given, at, target)) found.set(name, inner)
      } else if (given !== undefined && given !== null) {
        found.set(target, { path: at, given })
        if (registrySettings.shape[target].safeParse(given).success) continue
        this.report(at, docOf(target).expected, describe(given, target))
      }
    }
    return found
  }

  report(path: string, expected: string, received: string): void {
    this.problems.push(`${path}: expected ${expected}, received ${received}`)
  }
}

/** The user's name and password stand in one flag, as for etcdctl: `name` or `name:password`. */
function flagValues(flags: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const { '--user': user, ...others } = flags
  const values = withNumbers(Object.entries(others), flagsLayout)
  if (user === undefined) return values
  const [name, ...password] = user.split(':')
  return {
    ...values,
    '--user': { name, ...(password.length > 0 && { password: password.join(':') }) },
  }
}

/** All that begins with our prefix. */
function environmentValues(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, unknown>> {
  const ours = Object.entries(env).filter(
    ([name, value]) => name.startsWith(environmentPrefix) && value?.trim() !== '',
  )
  return withNumbers(ours, environmentLayout)
}

/** From where there are only texts: numbers as numbers. */
function withNumbers(
  texts: readonly (readonly [string, string | undefined])[],
  layout: Layout,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    texts.map(([key, text]) => {
      const target = Object.hasOwn(layout, key) ? layout[key] : undefined
      const isNumber = typeof target === 'string' && takesNumber(target)
      return [key, isNumber && /^\d{1,15}$/.test(text ?? '') ? Number(text) : text]
    }),
  )
}

/** Both shapes may stand in one file as long as they do not contradict each other. */
function readFile(
  reader: SettingsReader,
  { name, text }: NonNullable<RegistrySources['file']>,
): FoundSettings {
  const document = parseDocument(text)
  for (const error of document.errors) {
    const [summary = ''] = error.message.split('\n')
    reader.report(name, 'YAML', summary.replace(/:$/, ''))
  }
  const rpc = document.errors.length === 0 ? rpcOf(document.toJS()) : {}
  const shapes = Object.entries(rpc).flatMap(([key, block]) => {
    const layout = Object.hasOwn(fileLayouts, key) ? fileLayouts[key] : undefined
    if (layout !== undefined) return [reader.read(block, `${name} rpc.${key}`, layout)]
    // What else the framework reads from its file is not ours to judge; a misspelling is.
    if (/^regis/i.test(key)) {
      const known = Object.keys(fileLayouts).join(' or ')
      reader.report(`${name} rpc.${key}`, known, 'an unknown key')
    }
    return []
  })
  const [first = new Map<SettingName, Found>(), ...others] = shapes
  for (const other of others) mergeInto(first, other, reader)
  return first
}

function rpcOf(document: unknown): Readonly<Record<string, unknown>> {
  const rpc = isRecord(document) ? document['rpc'] : undefined
  return isRecord(rpc) ? rpc : {}
}

function mergeInto(found: FoundSettings, other: FoundSettings, reader: SettingsReader): void {
  for (const [name, { path, given }] of other) {
    const former = found.get(name)
    if (former === undefined) found.set(name, { path, given })
    else if (!isSame(name, former.given, given)) {
      const shown = describe(former.given, name)
      reader.report(path, `the same as ${former.path} (${shown})`, describe(given, name))
    }
  }
}

/** What is written differently may mean the same address. */
function isSame(name: SettingName, one: unknown, other: unknown): boolean {
  return normalForm(name, one) === normalForm(name, other)
}

function normalForm(name: SettingName, given: unknown): string | undefined {
  if (name !== 'endpoints') return JSON.stringify(given)
  const { data } = registrySettings.shape.endpoints.safeParse(given)
  return data?.map((endpoint) => formatEndpoint(endpoint, false)).join()
}

const tlsSettings = ['caFile', 'certFile', 'keyFile'] as const

const pairs = [
  ['username', 'password'],
  ['password', 'username'],
  ['certFile', 'keyFile', 'tls.keyFile'],
  ['keyFile', 'certFile', 'tls.certFile'],
] as const

/** What no setting can say by itself. */
function checkTogether(found: FoundSettings, reader: SettingsReader): void {
  for (const [name, partner, path = partner] of pairs) {
    const one = found.get(name)
    if (one === undefined || found.has(partner)) continue
    reader.report(path, `a value to go with ${one.path}`, 'nothing')
  }
  const { path = 'endpoints', given } = found.get('endpoints') ?? {}
  if (!tlsSettings.some((name) => found.has(name))) return
  for (const { scheme, place } of registrySettings.shape.endpoints.safeParse(given).data ?? []) {
    if (scheme === null || scheme === 'https') continue
    reader.report(
      path,
      'https:// in every address, since TLS files are given',
      describe(`${scheme}://${place}`),
    )
  }
}

function toConfig(settings: Partial<RegistrySettings>): ReturnType<typeof readRegistryConfig> {
  const endpoints = settings.endpoints ?? [defaultEndpoint]
  const { username, password } = settings
  const tls = tlsOf(settings)
  const addresses = endpoints.map((endpoint) => formatEndpoint(endpoint, tls !== null))
  const config = {
    type: settings.type ?? 'etcd',
    endpoints: [...new Set(addresses)],
    credentials: username === undefined || password === undefined ? null : { username, password },
    tls,
    ttlSeconds: settings.ttlSeconds ?? registryDefaults.ttlSeconds,
    timeoutMs: settings.timeoutMs ?? defaultTimeoutMs,
    snapshotDir: settings.snapshotDir ?? null,
    guardMs: settings.guardMs ?? registryDefaults.guardMs,
    staleAfterMs: settings.staleAfterMs ?? registryDefaults.staleAfterMs,
  }
  return { config, warnings: endpoints.map(endpointWarning).filter((each) => each !== null) }
}

function tlsOf({ caFile, certFile, keyFile }: Partial<RegistrySettings>): TlsFiles | null {
  if (caFile === undefined && certFile === undefined && keyFile === undefined) return null
  return {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  }
}

function wrongSettings(problems: readonly string[]): LabError {
  const count = problems.length === 1 ? 'One setting' : `${problems.length} settings`
  const lines = problems.map((problem) => `  ${problem}`).join('\n')
  return new LabError('CONFIG', `${count} of the registry cannot be used:\n${lines}`)
}

function describe(given: unknown, name?: SettingName): string {
  if (name !== undefined && docOf(name).secret === true) {
    return typeof given === 'string' ? 'a text that is not shown' : typeof given
  }
  const shown = JSON.stringify(given)
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
