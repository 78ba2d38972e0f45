import type { ClusterCapabilities, ClusterDriver } from '../cluster/cluster-driver.ts'
import type { ClusterMonitor } from '../cluster/monitor.ts'
import type { EtcdInspector } from '../etcd/etcd-inspector.ts'
import type { ProviderControl } from '../providers/provider-control.ts'
import type { NaiveRegistry } from '../registry/naive/naive-port.ts'
import type { FollowingRegistry } from '../registry/registry.ts'
import type { Completion, Locale, SharedKind } from '../../protocol/index.ts'
import type { CommandText, Messages } from './messages/en.ts'
import type { Style } from './paint.ts'
import type { Cell, Column } from './table.ts'

/** What a command needs. Where it is missing, the command is absent from help and completion. */
export type Requirement =
  /** Members whose processes can be seen: a driver and its monitor. */
  | 'cluster'
  /** Any etcd: a registry and the inspector beside it. */
  | 'registry'
  /** The naive registry beside the real one. */
  | 'naive'
  /** Processes that answer calls: the lab's own providers. */
  | 'providers'
  /** The lab around the terminal: its etcdctl, its screen. */
  | 'lab'
  /** An ordinary shell around the commands, and a program of their own in it. */
  | 'program'

/** An option that stands before the command and is the program's, not the command's. */
export interface GlobalOption {
  readonly name: string
  readonly short?: string
  /** What its value is; absent = it takes none. */
  readonly value?: string
  /** The values it takes, where they can be listed. */
  readonly choices?: readonly string[]
}

/** The program that a reader starts in an ordinary shell. */
export interface Program {
  readonly name: string
  /** Where etcd is asked. */
  readonly endpoints: readonly string[]
  /** Lease of a registration that asks for no other: what the settings say. */
  readonly ttlSeconds: number
  /** Their texts are `messages.program.options`. */
  readonly options: readonly GlobalOption[]
}

/** A cluster that this reader shares with others. */
export interface SharedCluster {
  readonly kind: SharedKind
  /** Stands before every key of this reader's registry; empty for none. */
  readonly namespace: string
}

export interface EtcdctlTool {
  readonly path: string
  /** Such as 3.5.30. */
  readonly version: string
  /** Where it runs, absolute, unless the members are sockets of one directory; default `/`. */
  readonly dir?: string
}

/** What commands work with; null = not here, and so are the commands that require it. */
export interface ShellTools {
  readonly driver: ClusterDriver | null
  readonly monitor: ClusterMonitor | null
  readonly registry: FollowingRegistry | null
  /** For comparison: it has the faults of the original. */
  readonly naive: NaiveRegistry | null
  readonly inspector: EtcdInspector | null
  readonly providers: ProviderControl | null
  readonly etcdctl: EtcdctlTool | null
  /** Absent where the cluster is the reader's own. */
  readonly shared?: SharedCluster
  /** What a reader types before every command; it also keeps what was registered, while it runs. */
  readonly program: Program | null
  readonly versions: {
    readonly lab: string
    /** Null where etcd is somebody else's. */
    readonly etcd: {
      readonly version: string
      /** First release of that minor version without a published security flaw. */
      readonly floor: string
      readonly outdated: boolean
    } | null
  }
}

/** What Tab offers for a positional or for the value of an option. */
export type CompletionSource =
  | 'services'
  | 'addresses'
  | 'targets'
  | 'members'
  | 'leases'
  | 'commands'
  | 'provider-actions'
  | 'provider-targets'
  | 'shells'

export interface Positional {
  readonly name: string
  readonly required: boolean
  /** How usage writes it; its name in angle brackets by default. */
  readonly placeholder?: string
  readonly complete?: CompletionSource
}

export type Option =
  | {
      readonly kind: 'text'
      readonly name: string
      readonly short?: string
      readonly value: string
      readonly defaultValue?: string
    }
  | {
      readonly kind: 'integer'
      readonly name: string
      readonly short?: string
      readonly value: string
      readonly min: number
      readonly max: number
      readonly defaultValue?: number
      /** A setting of the program that goes before `defaultValue`. */
      readonly setting?: 'ttlSeconds'
    }
  | {
      /** One of a few words; usage and completion show them. */
      readonly kind: 'choice'
      readonly name: string
      readonly short?: string
      readonly choices: readonly string[]
      readonly defaultValue?: string
    }
  | {
      /** There or not there; it takes no value. */
      readonly kind: 'flag'
      readonly name: string
      readonly short?: string
      /** Where this is missing, so is the flag. */
      readonly requires?: Requirement
    }

/** Arguments after parsing; every value is checked against the command's declaration. */
export interface Arguments {
  /** A positional that is required. */
  required(positional: string): string
  /** A positional or a text option; undefined when it was not given and has no default. */
  text(name: string): string | undefined
  /** An option that has a default, or was given. */
  integer(option: string): number
  /** True when the flag was given. */
  flag(option: string): boolean
  /** True when the reader wrote it; a default does not count. */
  given(name: string): boolean
}

/** Where the words of a command go. Everything is made visible on the way (sanitize.ts). */
export interface CommandOutput {
  /**
   * What the command found, given once: a program reads `data` as one line of JSON, a reader what
   * `show` prints of it. The words outside of it are for readers only.
   */
  result<T extends object>(data: T, show: (data: T) => void): void
  /** One line, or several, on standard output. */
  print(text: string, style?: Style): void
  printTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void
  /** On standard error. */
  warn(text: string, style?: Style): void
  /** Text that is already visible and may end within a line: a program's own output. */
  stream(name: 'stdout' | 'stderr', visible: string): Promise<void>
  /** Resolves when more output is welcome: awaited by commands that write without end. */
  drained(): Promise<void>
  /** Empties the terminal. */
  clear(): void
}

export interface CommandContext extends CommandOutput {
  readonly command: Command
  readonly args: Arguments
  /** The words after the command, for a command that parses them itself. */
  readonly argv: readonly string[]
  readonly locale: Locale
  readonly m: Messages
  readonly columns: number
  /** What a reader types before a command: nothing, or the program's name and a blank. */
  readonly prefix: string
  /** Aborts on Ctrl-C, at the time limit, and when the lab ends. */
  readonly signal: AbortSignal
  readonly tools: ShellTools
  /** The commands that are available here. */
  readonly commands: readonly Command[]
  /** Waits for a promise, but no longer than `signal` allows; rejects with the signal's reason. */
  wait<T>(promise: Promise<T>): Promise<T>
}

/** The texts of this command are `messages.commands[name]`. */
export type CommandName = keyof Messages['commands']

/**
 * One command, declared as data: usage, parsing, help, completion and the reference page come from
 * here and from nowhere else. `run` resolves with the exit code and throws `LabError`.
 */
export interface Command {
  readonly name: CommandName
  readonly aliases: readonly string[]
  readonly requires: readonly Requirement[]
  /** What the driver must be able to do. */
  readonly capability?: keyof ClusterCapabilities
  readonly positionals: readonly Positional[]
  readonly options: readonly Option[]
  /** Usage after the name, for a command that parses its words itself; then nothing else is declared. */
  readonly ownUsage?: string
  /** Runs until Ctrl-C; no time limit applies. */
  readonly streams?: boolean
  /** It cannot end without a quorum: a reader who waits for that is told so. */
  readonly needsQuorum?: boolean
  /** Whole lines; their meaning stands in the texts, in the same order. */
  readonly examples: readonly string[]
  run(context: CommandContext): Promise<number>
  /** What its help page says beyond the declaration. */
  moreHelp?(m: Messages, columns: number, shared: boolean): readonly string[]
  /** Completion for a command that parses its words itself. */
  complete?(request: OwnCompletion): readonly Completion[]
}

export interface OwnCompletion {
  /** The finished words after the command. */
  readonly words: readonly string[]
  /** The word under the cursor, as far as it is typed. */
  readonly prefix: string
  readonly m: Messages
  readonly tools: ShellTools
}

export function commandPrefix({ program }: Pick<ShellTools, 'program'>): string {
  return program === null ? '' : `${program.name} `
}

export function commandText(command: Command, m: Messages): CommandText {
  return m.commands[command.name]
}
