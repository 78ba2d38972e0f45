/**
 * What of etcdctl may run in a lab. Pure data: the vetting, the help, the completion and the
 * reference page read it. Whatever is not listed here does not run.
 */

/** How the value of a flag is checked before etcdctl sees it. */
export type FlagKind =
  /** No value, or `=true` / `=false`. */
  | 'boolean'
  /** Any text: etcdctl itself checks it, and nothing it may say reaches beyond the cluster. */
  | 'text'
  /** A Go duration, capped. */
  | 'duration'
  | 'output'
  /** Names of the lab's own members. */
  | 'endpoints'
  /** Sockets inside the lab's own directory. */
  | 'peer-urls'

export interface FlagRule {
  readonly name: string
  readonly short?: string
  readonly kind: FlagKind
}

/** Why a command line would wait for standard input; keys of the message catalogue. */
export type StdinReason = 'value' | 'txn' | 'interactive' | 'password' | 'newUser' | 'passwd'

/** Why something never runs; keys of the message catalogue. */
export type RefusalReason =
  | 'file'
  | 'host'
  | 'program'
  | 'load'
  | 'members'
  | 'shared'
  | 'output'
  | 'debug'
  | 'completion'
  | 'tls'
  | 'discovery'

export interface SubcommandRule {
  /** `get`, `member list`. */
  readonly name: string
  readonly usage: string
  /** Fewest and most positionals. */
  readonly positionals: readonly [min: number, max: number]
  readonly flags: readonly FlagRule[]
  /** Runs until Ctrl-C. */
  readonly streams?: boolean
  /** Words after `--`, or beyond the last positional, would be started as a program. */
  readonly startsPrograms?: boolean
}

const flag = (name: string, kind: FlagKind, short?: string): FlagRule =>
  short === undefined ? { name, kind } : { name, kind, short }
const on = (name: string, short?: string) => flag(name, 'boolean', short)
const text = (name: string) => flag(name, 'text')

/** Flags that every sub-command takes, also before it. */
export const globalFlags: readonly FlagRule[] = [
  flag('endpoints', 'endpoints'),
  flag('write-out', 'output', 'w'),
  on('hex'),
  flag('command-timeout', 'duration'),
  flag('dial-timeout', 'duration'),
  text('user'),
  text('password'),
  on('help', 'h'),
]

export const outputFormats = ['simple', 'json', 'table', 'fields'] as const

/** Longest value of a duration flag, seconds. */
export const longestDuration = 30

export const subcommands: readonly SubcommandRule[] = [
  {
    name: 'get',
    usage: '<key> [range_end]',
    positionals: [1, 2],
    flags: [
      text('consistency'),
      on('count-only'),
      on('from-key'),
      on('keys-only'),
      text('limit'),
      text('order'),
      on('prefix'),
      on('print-value-only'),
      text('rev'),
      text('sort-by'),
    ],
  },
  {
    name: 'put',
    usage: '<key> <value>',
    positionals: [1, 2],
    flags: [on('ignore-lease'), on('ignore-value'), text('lease'), on('prev-kv')],
  },
  {
    name: 'del',
    usage: '<key> [range_end]',
    positionals: [1, 2],
    flags: [on('from-key'), on('prefix'), on('prev-kv'), on('range')],
  },
  {
    name: 'watch',
    usage: '<key> [range_end]',
    positionals: [1, 2],
    flags: [on('prefix'), on('prev-kv'), on('progress-notify'), text('rev')],
    streams: true,
    startsPrograms: true,
  },
  {
    name: 'compaction',
    usage: '<revision>',
    positionals: [1, 1],
    flags: [on('physical')],
  },
  { name: 'lease grant', usage: '<ttl>', positionals: [1, 1], flags: [] },
  { name: 'lease revoke', usage: '<lease>', positionals: [1, 1], flags: [] },
  { name: 'lease timetolive', usage: '<lease>', positionals: [1, 1], flags: [on('keys')] },
  { name: 'lease list', usage: '', positionals: [0, 0], flags: [] },
  {
    name: 'lease keep-alive',
    usage: '<lease>',
    positionals: [1, 1],
    flags: [on('once')],
    streams: true,
  },
  {
    name: 'lock',
    usage: '<name>',
    positionals: [1, 1],
    flags: [text('ttl')],
    streams: true,
    startsPrograms: true,
  },
  {
    name: 'elect',
    usage: '<name> [proposal]',
    positionals: [1, 2],
    flags: [on('listen', 'l')],
    streams: true,
  },
  { name: 'endpoint health', usage: '', positionals: [0, 0], flags: [] },
  { name: 'endpoint status', usage: '', positionals: [0, 0], flags: [] },
  { name: 'endpoint hashkv', usage: '', positionals: [0, 0], flags: [text('rev')] },
  { name: 'member list', usage: '', positionals: [0, 0], flags: [] },
  {
    name: 'member add',
    usage: '<name> --peer-urls=unix://<name>:<port>',
    positionals: [1, 1],
    flags: [on('learner'), flag('peer-urls', 'peer-urls')],
  },
  {
    name: 'member update',
    usage: '<member id> --peer-urls=unix://<name>:<port>',
    positionals: [1, 1],
    flags: [flag('peer-urls', 'peer-urls')],
  },
  { name: 'member remove', usage: '<member id>', positionals: [1, 1], flags: [] },
  { name: 'member promote', usage: '<member id>', positionals: [1, 1], flags: [] },
  { name: 'move-leader', usage: '<member id>', positionals: [1, 1], flags: [] },
  { name: 'alarm list', usage: '', positionals: [0, 0], flags: [] },
  { name: 'alarm disarm', usage: '', positionals: [0, 0], flags: [] },
  { name: 'defrag', usage: '', positionals: [0, 0], flags: [] },
  { name: 'auth status', usage: '', positionals: [0, 0], flags: [] },
  { name: 'auth enable', usage: '', positionals: [0, 0], flags: [] },
  { name: 'auth disable', usage: '', positionals: [0, 0], flags: [] },
  {
    name: 'user add',
    usage: '<name>:<password>',
    positionals: [1, 1],
    flags: [text('new-user-password'), on('no-password')],
  },
  { name: 'user delete', usage: '<name>', positionals: [1, 1], flags: [] },
  { name: 'user get', usage: '<name>', positionals: [1, 1], flags: [on('detail')] },
  { name: 'user list', usage: '', positionals: [0, 0], flags: [] },
  { name: 'user grant-role', usage: '<name> <role>', positionals: [2, 2], flags: [] },
  { name: 'user revoke-role', usage: '<name> <role>', positionals: [2, 2], flags: [] },
  { name: 'role add', usage: '<role>', positionals: [1, 1], flags: [] },
  { name: 'role delete', usage: '<role>', positionals: [1, 1], flags: [] },
  { name: 'role get', usage: '<role>', positionals: [1, 1], flags: [] },
  { name: 'role list', usage: '', positionals: [0, 0], flags: [] },
  {
    name: 'role grant-permission',
    usage: '<role> <read|write|readwrite> <key> [range_end]',
    positionals: [3, 4],
    flags: [on('from-key'), on('prefix')],
  },
  {
    name: 'role revoke-permission',
    usage: '<role> <key> [range_end]',
    positionals: [2, 3],
    flags: [on('from-key'), on('prefix')],
  },
  { name: 'version', usage: '', positionals: [0, 0], flags: [] },
]

/** Sub-commands that exist and never run here. A group's name stands for all of it. */
export const refusedSubcommands: Readonly<Record<string, RefusalReason>> = {
  snapshot: 'file',
  'make-mirror': 'host',
  check: 'load',
  completion: 'completion',
}

/**
 * Refused where readers share the cluster: one of them would take it from all the others, who could
 * not heal it.
 */
export const ownClusterOnly: ReadonlySet<string> = new Set([
  'member add',
  'member update',
  'member remove',
  'member promote',
  'auth enable',
  'auth disable',
])

/** What may run: all of it in a cluster of the reader's own. */
export function allowedSubcommands(shared: boolean): readonly SubcommandRule[] {
  return shared ? subcommands.filter(({ name }) => !ownClusterOnly.has(name)) : subcommands
}

/** Sub-commands that always read standard input. */
export const stdinSubcommands: Readonly<Record<string, StdinReason>> = {
  txn: 'txn',
  'user passwd': 'passwd',
}

/** Flags that exist and are never passed on. */
export const refusedFlags: Readonly<Record<string, RefusalReason>> = {
  cacert: 'file',
  cert: 'file',
  key: 'file',
  'data-dir': 'file',
  cluster: 'members',
  debug: 'debug',
  'discovery-srv': 'discovery',
  'discovery-srv-name': 'discovery',
  'insecure-discovery': 'discovery',
  'insecure-skip-tls-verify': 'tls',
  'insecure-transport': 'tls',
}

/** Short forms of refused flags. */
export const refusedShortFlags: Readonly<Record<string, string>> = {
  d: 'discovery-srv',
}

/** Flags that switch to reading standard input. */
export const interactiveFlags: ReadonlySet<string> = new Set(['interactive', 'i'])

export interface EtcdctlPolicy {
  readonly globalFlags: readonly FlagRule[]
  readonly subcommands: readonly SubcommandRule[]
  readonly refusedSubcommands: Readonly<Record<string, RefusalReason>>
  readonly stdinSubcommands: Readonly<Record<string, StdinReason>>
  readonly refusedFlags: Readonly<Record<string, RefusalReason>>
}

/** The whole policy, for the reference page. */
export function etcdctlPolicy(): EtcdctlPolicy {
  return { globalFlags, subcommands, refusedSubcommands, stdinSubcommands, refusedFlags }
}
