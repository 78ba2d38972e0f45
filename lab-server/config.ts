import { lookup } from 'node:dns/promises'
import { accessSync, constants, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as z from 'zod'
import { LabError } from '../protocol/index.ts'

/** What the configuration page of the documentation prints of one setting. */
export interface SettingDoc {
  readonly [key: string]: unknown
  /** What it does, one or two sentences. */
  readonly about: string
  /** What a valid value looks like; also printed when a value is refused. */
  readonly expected: string
  /** The default in words; null when the setting must be given. */
  readonly defaultText: string | null
  readonly example: string
  /** What to do about a refused value, when `expected` does not say it. */
  readonly hint?: string
}

const docs = z.registry<SettingDoc>()

const projectRoot = path.resolve(import.meta.dirname, '..')

/**
 * A Unix socket's path holds 103 bytes on macOS and 107 on Linux. The longest that a lab adds to the
 * data directory is `/ming-lab-XXXXXXXX/XXXXXXXX/etcd1:2380`, 38.
 */
const longestDataDir = 60

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((value) => value <= 65_535)

const flag = z
  .enum(['0', '1', 'true', 'false'])
  .transform((value) => value === '1' || value === 'true')

const basePath = z
  .string()
  .transform((value) => `/${value.split('/').filter(Boolean).join('/')}/`.replace('//', '/'))
  .refine((value) => /^[\w\-./~]+$/.test(value) && !/\/\.\.?\//.test(value))

function parseHttpUrl(value: string): URL | null {
  if (!URL.canParse(value)) return null
  const url = new URL(value)
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  return /^https?:$/.test(url.protocol) && plain ? url : null
}

const publicUrl = z
  .string()
  .refine((value) => parseHttpUrl(value) !== null)
  .transform((value) => new URL(value))

const origins = z
  .string()
  .transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  )
  .refine((list) => list.every((item) => parseHttpUrl(item)?.pathname === '/'))
  .transform((list) => list.map((item) => new URL(item).origin))

const endpoints = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim().replace(/\/$/, '')))
  .refine((list) => list.every(isEndpoint) && new Set(list).size === list.length)

function isEndpoint(value: string): boolean {
  const url = parseHttpUrl(value)
  return url?.protocol === 'http:' && url.pathname === '/' && url.port !== ''
}

const directory = z.string().transform((value) => path.resolve(value))

const existingDirectory = directory.refine(isDirectory)

/** Every setting, in the order in which the documentation lists them. */
const environment = z.object({
  /** Address to listen on. */
  HOST: z
    .string()
    .regex(/^[\w.:-]{1,255}$/)
    .default('127.0.0.1')
    .register(docs, {
      about:
        'Address to listen on. The default is reachable from this machine only; with any other address, set PUBLIC_URL to what readers type.',
      expected: 'an IP address of this machine, or a name that has one',
      defaultText: '127.0.0.1',
      example: '0.0.0.0',
    }),
  /** TCP port; 0 takes a free one. */
  PORT: port.default(4379).register(docs, {
    about: 'TCP port of the site and the lab. 0 takes a free one and prints it.',
    expected: 'a number from 0 to 65535',
    defaultText: '4379',
    example: '8080',
  }),
  /** Path under which everything is served; starts and ends with a slash. */
  BASE_PATH: basePath.default('/').register(docs, {
    about:
      'Path under which the site, /healthz and the WebSocket are served. The site must have been built for the same path.',
    expected: 'a path of letters, digits and - . _ ~ /',
    defaultText: '/',
    example: '/lab/',
  }),
  /** What readers type, when it is not the address itself. */
  PUBLIC_URL: publicUrl.optional().register(docs, {
    about:
      'The address readers use when a proxy or a port mapping stands in front: its host and origin are accepted too.',
    expected: 'an http:// or https:// URL without user, query and fragment',
    defaultText: 'none: only the address listened on',
    example: 'https://lab.example.com/',
  }),
  /** Further origins whose pages may open the WebSocket, and whose hosts are accepted. */
  ALLOWED_ORIGINS: origins.default([]).register(docs, {
    about:
      'Further origins, separated by commas, whose pages may use the lab; their hosts are accepted as Host too. Used by the development server.',
    expected: 'origins such as http://localhost:4321, separated by commas',
    defaultText: 'none',
    example: 'http://localhost:4321',
  }),
  /** Whose members readers use. */
  LAB_DRIVER: z.enum(['process', 'compose']).default('process').register(docs, {
    about:
      'Whose members readers use: process starts three of its own for each lab, compose attaches all labs to the one stack of docker-compose.yml, which must have been started. `npm start -- --driver` sets it.',
    expected: 'process or compose',
    defaultText: 'process',
    example: 'compose',
  }),
  /** Members of a cluster to attach to; then LAB_DRIVER counts for nothing. */
  LAB_ENDPOINTS: endpoints.optional().register(docs, {
    about:
      'Members of any etcd cluster, separated by commas: all labs are attached to it, without the commands that need its processes. Takes precedence over LAB_DRIVER. `npm start -- --endpoints` sets it.',
    expected: 'http:// addresses with a port, without path, separated by commas, each once',
    defaultText: 'none',
    example: 'http://127.0.0.1:2379,http://127.0.0.1:2389',
  }),
  /** The compose stack of LAB_DRIVER=compose. */
  COMPOSE_PROJECT_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .default('ming-registry-lab')
    .register(docs, {
      about: 'The compose project whose members LAB_DRIVER=compose attaches to.',
      expected: 'lower-case letters, digits, dashes and underscores',
      defaultText: 'ming-registry-lab, as docker-compose.yml names it',
      example: 'my-stack',
    }),
  /** Labs at once. */
  LAB_MAX: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((value) => value >= 1)
    .optional()
    .register(docs, {
      about: 'How many labs may exist at once. Beyond it readers are told when to try again.',
      expected: 'a whole number from 1 to 9999',
      defaultText: 'what half of the free memory and half of the free disk hold, at most 100',
      example: '20',
    }),
  /** Minutes without a reader's action until a lab ends. */
  LAB_IDLE_MINUTES: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,3})?$/)
    .transform(Number)
    .refine((value) => value > 0 && value <= 1440)
    .default(30)
    .register(docs, {
      about:
        'Minutes without an action of its reader after which a lab ends and its data is removed.',
      expected: 'a number above 0, at most 1440',
      defaultText: '30',
      example: '60',
    }),
  /** Where the run directory of this server is made. */
  LAB_DATA_DIR: existingDirectory
    .refine((value) => value.length <= longestDataDir && /^[\w/.+~@-]+$/.test(value))
    .prefault(() => tmpdir())
    .register(docs, {
      about:
        "Directory in which the server makes one of its own for the labs' data, and removes it when it ends. Use a disk, not a tmpfs: a lab preallocates about 370 MB.",
      expected: `an existing directory whose path has at most ${longestDataDir} characters, only letters, digits and / . _ + ~ @ -`,
      defaultText: "the system's directory for temporary files",
      example: '/var/lib/ming-lab',
    }),
  /** Holds the programs etcd and etcdctl. */
  LAB_ETCD_DIR: directory
    .refine(
      (value) => isProgram(path.join(value, 'etcd')) && isProgram(path.join(value, 'etcdctl')),
    )
    .register(docs, {
      about: 'Directory that holds the programs etcd and etcdctl, 3.5 or newer.',
      expected: 'a directory with the executable programs etcd and etcdctl',
      defaultText: null,
      example: '/usr/local/bin',
      hint: '`npm start` finds or downloads etcd and sets this by itself.',
    }),
  /** The built site. */
  SITE_DIR: existingDirectory.optional().register(docs, {
    about: 'Directory of the built site.',
    expected: 'an existing directory',
    defaultText: 'dist/ of the project',
    example: './dist',
    hint: '`npm start` builds the site.',
  }),
  /** The least important events that are written to standard error. */
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info').register(docs, {
    about: 'The least important events that are logged, to standard error.',
    expected: 'debug, info, warn, error or silent',
    defaultText: 'info',
    example: 'debug',
  }),
  /** One JSON object, or one readable line, per event. */
  LOG_FORMAT: z.enum(['text', 'json']).default('text').register(docs, {
    about: 'How events are logged: a readable line or a JSON object each.',
    expected: 'text or json',
    defaultText: 'text',
    example: 'json',
  }),
  /**
   * For a program that starts the server: with `1` the server watches its parent process
   * (`process.ppid`, four times a second) and shuts down gracefully when that has died, however it
   * died. The parent needs to do nothing else.
   */
  LAB_EXIT_WITH_PARENT: flag.default(false).register(docs, {
    about: 'With 1, the server ends when the process that started it has died. Set by `npm start`.',
    expected: '0 or 1',
    defaultText: '0',
    example: '1',
  }),
})

/** Where the members of labs come from. */
export type ClusterChoice =
  | { readonly kind: 'own' }
  | { readonly kind: 'compose'; readonly project: string }
  | { readonly kind: 'endpoints'; readonly endpoints: readonly string[] }

/** The validated configuration. */
export interface Config {
  readonly host: string
  readonly port: number
  /** Starts and ends with `/`. */
  readonly basePath: string
  readonly publicUrl: URL | null
  /** Origins as browsers send them: scheme, host and port, no path. */
  readonly allowedOrigins: readonly string[]
  readonly cluster: ClusterChoice
  /** Null: by memory and disk, see `defaultLabLimit`. */
  readonly labMax: number | null
  readonly idleMs: number
  /** Absolute. */
  readonly dataDir: string
  readonly etcdPath: string
  readonly etcdctlPath: string
  /** Absolute; may not exist when it is the default. */
  readonly siteDir: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly logFormat: 'text' | 'json'
  readonly exitWithParent: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads and checks the environment. Throws one `LabError` `CONFIG` whose message lists every
 * problem: the name, what was given, what was expected, and what to do.
 */
export function readConfig(env: Environment = process.env): Config {
  const parsed = environment.safeParse(withoutEmpty(env))
  if (!parsed.success) throw wrongSettings(namesIn(parsed.error), env)
  const value = parsed.data
  return {
    host: value.HOST,
    port: value.PORT,
    basePath: value.BASE_PATH,
    publicUrl: value.PUBLIC_URL ?? null,
    allowedOrigins: value.ALLOWED_ORIGINS,
    cluster: chooseCluster(value),
    labMax: value.LAB_MAX ?? null,
    idleMs: value.LAB_IDLE_MINUTES * 60_000,
    dataDir: value.LAB_DATA_DIR,
    etcdPath: path.join(value.LAB_ETCD_DIR, 'etcd'),
    etcdctlPath: path.join(value.LAB_ETCD_DIR, 'etcdctl'),
    siteDir: value.SITE_DIR ?? path.join(projectRoot, 'dist'),
    logLevel: value.LOG_LEVEL,
    logFormat: value.LOG_FORMAT,
    exitWithParent: value.LAB_EXIT_WITH_PARENT,
  }
}

function chooseCluster(value: z.infer<typeof environment>): ClusterChoice {
  if (value.LAB_ENDPOINTS !== undefined) {
    return { kind: 'endpoints', endpoints: value.LAB_ENDPOINTS }
  }
  if (value.LAB_DRIVER === 'compose') {
    return { kind: 'compose', project: value.COMPOSE_PROJECT_NAME }
  }
  return { kind: 'own' }
}

/** What set-up finds by itself, so that it may be missing before. */
const environmentBeforeSetup = environment.partial({ LAB_ETCD_DIR: true })

/**
 * Checks the environment as `readConfig` does, before etcd and the site are there, and whether the
 * name in HOST has an address. Rejects the same `CONFIG`.
 */
export async function checkSettings(env: Environment = process.env): Promise<void> {
  const parsed = environmentBeforeSetup.safeParse(withoutEmpty(env))
  const names = new Set(parsed.success ? [] : namesIn(parsed.error))
  const host = env['HOST']?.trim() ?? ''
  if (host !== '' && !names.has('HOST') && !(await hasAddress(host))) names.add('HOST')
  if (names.size > 0) throw wrongSettings(names, env)
}

function hasAddress(host: string): Promise<boolean> {
  return lookup(host).then(
    () => true,
    () => false,
  )
}

/** Every setting with its documentation, for the reference page. */
export function listSettings(): readonly (SettingDoc & { readonly name: string })[] {
  return Object.entries(environment.shape).map(([name, schema]) => ({
    name,
    ...docOf(name, schema),
  }))
}

function docOf(name: string, schema: z.ZodType): SettingDoc {
  const doc = docs.get(schema)
  if (doc === undefined) throw new LabError('INTERNAL', `The setting ${name} is not documented`)
  return doc
}

/** `NAME= npm start` means "not set", as in a shell. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''))
}

function namesIn(error: z.ZodError): ReadonlySet<string> {
  return new Set(error.issues.map((issue) => String(issue.path[0])))
}

function wrongSettings(names: ReadonlySet<string>, env: Environment): LabError {
  const problems = listSettings()
    .filter((setting) => names.has(setting.name))
    .map((setting) => explainProblem(setting, env[setting.name]))
  const count = problems.length === 1 ? 'One setting is' : `${problems.length} settings are`
  return new LabError('CONFIG', `${count} wrong:\n${problems.join('\n')}`)
}

function explainProblem(setting: SettingDoc & { name: string }, given: string | undefined): string {
  const got = given === undefined || given.trim() === '' ? 'not set' : JSON.stringify(given)
  const lines = [
    `  ${setting.name}: ${got}`,
    `    expected ${setting.expected}, e.g. ${setting.example}`,
  ]
  if (setting.hint !== undefined) lines.push(`    ${setting.hint}`)
  return lines.join('\n')
}

function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isProgram(file: string): boolean {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return false
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not executable by this user: that is the answer, not a failure.
    return false
  }
}
