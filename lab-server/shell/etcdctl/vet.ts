import type { ErrorCode } from '../../../protocol/index.ts'
import type { Messages } from '../messages/en.ts'
import { nearest } from '../nearest.ts'
import { ShellError } from '../shell-error.ts'
import { findMember, type EtcdctlEndpoints } from './endpoints.ts'
import {
  globalFlags,
  interactiveFlags,
  longestDuration,
  outputFormats,
  ownClusterOnly,
  refusedFlags,
  refusedShortFlags,
  refusedSubcommands,
  stdinSubcommands,
  subcommands,
  type FlagRule,
  type RefusalReason,
  type StdinReason,
  type SubcommandRule,
} from './policy.ts'

/** A command line of etcdctl that may run. */
export interface VettedEtcdctl {
  /** `list`: nothing to run, the reader asked what there is. */
  readonly kind: 'run' | 'list'
  /** Built anew from what was understood; nothing the reader typed is passed on unparsed. */
  readonly argv: readonly string[]
  readonly streams: boolean
}

interface Words {
  readonly words: readonly string[]
  at: number
}

interface Parsed {
  readonly flags: Map<string, string>
  readonly positionals: string[]
  /** A `--` stood among the words. */
  dashes: boolean
}

function fail(code: ErrorCode, text: (m: Messages) => string): never {
  throw new ShellError(code, text)
}

function refuse(what: string, reason: RefusalReason): never {
  fail('NOT_ALLOWED', (m) => m.etcdctl.notAllowed({ what, reason: m.etcdctl.refused[reason] }))
}

function refuseStdin(reason: StdinReason): never {
  fail('STDIN_REFUSED', (m) => m.etcdctl.stdin[reason])
}

function isFlag(word: string): boolean {
  return word.startsWith('-') && word !== '-'
}

/** `--name=value`, `--name`, `-w=value`, `-wvalue`, `-w` taken apart. */
function readFlag(word: string): { name: string; short: boolean; value: string | undefined } {
  if (word.startsWith('--')) {
    const at = word.indexOf('=')
    if (at < 0) return { name: word.slice(2), short: false, value: undefined }
    return { name: word.slice(2, at), short: false, value: word.slice(at + 1) }
  }
  const attached = word.slice(2)
  const value = attached.startsWith('=') ? attached.slice(1) : attached
  return { name: word.slice(1, 2), short: true, value: attached === '' ? undefined : value }
}

function unknownFlag(word: string, allowed: readonly FlagRule[], command: string): never {
  const shown = word.split('=')[0] ?? word
  const near = nearest(
    shown.replace(/^-+/, ''),
    allowed.map((rule) => rule.name),
  )
  const name = `etcdctl ${command}`.trimEnd()
  const facts = { flag: shown, name, nearest: near === null ? null : `--${near}` }
  fail('NOT_ALLOWED', (m) => m.etcdctl.unknownFlag(facts))
}

function refuseKnownFlag(name: string, short: boolean, word: string) {
  if (interactiveFlags.has(name)) refuseStdin('interactive')
  const full = short ? refusedShortFlags[name] : name
  if (full !== undefined && Object.hasOwn(refusedFlags, full)) {
    const reason = refusedFlags[full]
    if (reason !== undefined) refuse(word.split('=')[0] ?? word, reason)
  }
}

function takeFlag(input: Words, parsed: Parsed, allowed: readonly FlagRule[], command: string) {
  const word = input.words[input.at] ?? ''
  const { name, short, value } = readFlag(word)
  const rule = allowed.find((one) => (short ? one.short === name : one.name === name))
  if (rule === undefined) {
    refuseKnownFlag(name, short, word)
    unknownFlag(word, allowed, command)
  }
  // `-hx` would be two short flags in one word.
  if (short && rule.kind === 'boolean' && value !== undefined && !word.includes('=')) {
    unknownFlag(word, allowed, command)
  }
  input.at += 1
  if (rule.kind === 'boolean') {
    parsed.flags.set(rule.name, value ?? 'true')
    return
  }
  const given = value ?? input.words[input.at]
  if (value === undefined) input.at += 1
  if (given === undefined) {
    fail('USAGE', (m) =>
      m.arguments.missingValue({ option: `--${rule.name}`, value: m.etcdctl.flag }),
    )
  }
  parsed.flags.set(rule.name, given)
}

/** Everything after the sub-command. */
function takeRest(input: Words, parsed: Parsed, rule: SubcommandRule) {
  const allowed = [...rule.flags, ...globalFlags]
  while (input.at < input.words.length) {
    const word = input.words[input.at] ?? ''
    if (word === '--' && !parsed.dashes) {
      parsed.dashes = true
      input.at += 1
    } else if (!parsed.dashes && isFlag(word)) {
      takeFlag(input, parsed, allowed, rule.name)
    } else {
      parsed.positionals.push(word)
      input.at += 1
    }
  }
}

/** `member list` of `member`, `list`; flags may stand in between. */
function takeName(input: Words, parsed: Parsed, before: string): string | null {
  while (input.at < input.words.length) {
    const word = input.words[input.at] ?? ''
    if (!isFlag(word)) {
      input.at += 1
      return word
    }
    if (word === '--') refuse('--', 'program')
    takeFlag(input, parsed, globalFlags, before)
  }
  return null
}

function groupOf(name: string): readonly string[] {
  const inGroup = subcommands.filter((rule) => rule.name.startsWith(`${name} `))
  return inGroup.map((rule) => rule.name.slice(name.length + 1))
}

function refuseSubcommand(name: string) {
  if (Object.hasOwn(refusedSubcommands, name)) {
    const reason = refusedSubcommands[name]
    if (reason !== undefined) refuse(`etcdctl ${name}`, reason)
  }
  if (Object.hasOwn(stdinSubcommands, name)) {
    const reason = stdinSubcommands[name]
    if (reason !== undefined) refuseStdin(reason)
  }
}

function unknownSubcommand(name: string): never {
  const candidates = subcommands.map((rule) => rule.name)
  const facts = { name, nearest: nearest(name, candidates) }
  fail('NOT_ALLOWED', (m) => m.etcdctl.unknown(facts))
}

/** Null: the reader named no sub-command. */
function takeSubcommand(input: Words, parsed: Parsed): SubcommandRule | null {
  const first = takeName(input, parsed, '')
  if (first === null) return null
  refuseSubcommand(first)
  const choices = groupOf(first)
  const second = choices.length > 0 ? takeName(input, parsed, first) : null
  if (choices.length > 0 && second === null) {
    fail('USAGE', (m) =>
      m.etcdctl.incomplete({ name: first, choices: choices.join(m.listSeparator) }),
    )
  }
  const name = second === null ? first : `${first} ${second}`
  refuseSubcommand(name)
  return subcommands.find((rule) => rule.name === name) ?? unknownSubcommand(name)
}

function checkBoolean(name: string, value: string) {
  if (value !== 'true' && value !== 'false') {
    fail('USAGE', (m) => m.etcdctl.notBoolean({ flag: `--${name}`, value }))
  }
}

function checkOutput(name: string, value: string) {
  if (value === 'protobuf') refuse(`--${name}=protobuf`, 'output')
  if (!outputFormats.some((format) => format === value)) {
    const facts = { flag: `--${name}`, value }
    fail('USAGE', (m) =>
      m.etcdctl.choice({ ...facts, choices: outputFormats.join(m.listSeparator) }),
    )
  }
}

function checkDuration(name: string, value: string) {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(value)
  const seconds = Number(match?.[1]) / (match?.[2] === 'ms' ? 1000 : 1)
  if (!(seconds > 0 && seconds <= longestDuration)) {
    const facts = { flag: `--${name}`, value, seconds: longestDuration }
    fail('USAGE', (m) => m.etcdctl.duration(facts))
  }
}

/**
 * Members dial each other at these: `unix://name:port` is a socket in the lab's own directory
 * (etcd takes the part after `//` as a file name), every other form would be somewhere else.
 */
function checkPeerUrls(value: string) {
  for (const url of value.split(',')) {
    if (!/^unix:\/\/[a-z0-9][a-z0-9-]{0,30}:\d{1,5}$/.test(url)) {
      fail('NOT_ALLOWED', (m) => m.etcdctl.peerUrl({ value: url }))
    }
  }
}

function pinEndpoints(value: string | undefined, endpoints: EtcdctlEndpoints): string {
  const all = [...endpoints.byMember.keys()]
  const names = value === undefined ? all : value.split(',')
  const pinned = names.map((name) => {
    const member = findMember(name, endpoints)
    const endpoint = member === null ? undefined : endpoints.byMember.get(member)
    if (endpoint === undefined) {
      fail('NOT_ALLOWED', (m) =>
        m.etcdctl.endpoint({ value: name, members: all.join(m.listSeparator) }),
      )
    }
    return endpoint
  })
  return pinned.join(',')
}

function checkFlags(parsed: Parsed, rule: SubcommandRule) {
  for (const [name, value] of parsed.flags) {
    const kind = [...rule.flags, ...globalFlags].find((one) => one.name === name)?.kind
    if (kind === 'boolean') checkBoolean(name, value)
    if (kind === 'output') checkOutput(name, value)
    if (kind === 'duration') checkDuration(name, value)
    if (kind === 'peer-urls') checkPeerUrls(value)
  }
}

function checkProgram(parsed: Parsed, rule: SubcommandRule) {
  if (!rule.startsPrograms) return
  const extra = parsed.dashes ? '--' : parsed.positionals[rule.positionals[1]]
  if (extra !== undefined) {
    fail('NOT_ALLOWED', (m) => m.etcdctl.startsProgram({ name: rule.name, value: extra }))
  }
  const dashed = parsed.positionals.find(isFlag)
  if (dashed !== undefined) fail('NOT_ALLOWED', (m) => m.etcdctl.dashKey({ value: dashed }))
}

function checkCount(parsed: Parsed, rule: SubcommandRule) {
  const [min, max] = rule.positionals
  const extra = parsed.positionals[max]
  if (extra !== undefined) {
    fail('USAGE', (m) => m.etcdctl.tooMany({ name: rule.name, value: extra }))
  }
  if (parsed.positionals.length < min) {
    const usage = `etcdctl ${rule.name} ${rule.usage}`
    fail('USAGE', (m) => m.etcdctl.tooFew({ name: rule.name, usage }))
  }
}

/** Every way in which etcdctl would ask or read instead of running. */
function checkStdin(parsed: Parsed, rule: SubcommandRule) {
  const { flags, positionals } = parsed
  const user = flags.get('user')
  if (user !== undefined && !/^[^:]+:./.test(user) && !flags.get('password')) {
    refuseStdin('password')
  }
  const ignoresValue = flags.get('ignore-value') === 'true'
  if (rule.name === 'put' && positionals.length < 2 && !ignoresValue) refuseStdin('value')
  if (rule.name === 'user add') {
    const given = flags.get('no-password') === 'true' || Boolean(flags.get('new-user-password'))
    if (!given && !/^[^:]+:./.test(positionals[0] ?? '')) refuseStdin('newUser')
  }
}

function buildArgv(parsed: Parsed, rule: SubcommandRule, endpoints: EtcdctlEndpoints): string[] {
  const flags = [...parsed.flags].filter(([name]) => name !== 'endpoints')
  const pinned = pinEndpoints(parsed.flags.get('endpoints'), endpoints)
  return [
    ...rule.name.split(' '),
    `--endpoints=${pinned}`,
    ...flags.map(([name, value]) => `--${name}=${value}`),
    // `watch` and `lock` take what follows `--` for a program.
    ...(rule.startsPrograms || parsed.positionals.length === 0 ? [] : ['--']),
    ...parsed.positionals,
  ]
}

function endless(parsed: Parsed, rule: SubcommandRule): boolean {
  return rule.streams === true && parsed.flags.get('once') !== 'true'
}

/**
 * Decides whether etcdctl may run with these words, and with which. Throws `NOT_ALLOWED` (it would
 * leave the lab, or harm those who share its cluster), `STDIN_REFUSED` (it would wait for input) or
 * `USAGE`.
 */
export function vetEtcdctl(
  words: readonly string[],
  endpoints: EtcdctlEndpoints,
  { shared = false } = {},
): VettedEtcdctl {
  const asksHelp = words[0] === 'help'
  const input: Words = { words: asksHelp ? words.slice(1) : words, at: 0 }
  const parsed: Parsed = { flags: new Map(), positionals: [], dashes: false }
  const rule = takeSubcommand(input, parsed)
  if (rule === null) return { kind: 'list', argv: [], streams: false }
  takeRest(input, parsed, rule)
  if (asksHelp || parsed.flags.get('help') === 'true') {
    return { kind: 'run', argv: [...rule.name.split(' '), '--help'], streams: false }
  }
  if (shared && ownClusterOnly.has(rule.name)) refuse(`etcdctl ${rule.name}`, 'shared')
  checkFlags(parsed, rule)
  checkStdin(parsed, rule)
  checkProgram(parsed, rule)
  checkCount(parsed, rule)
  const argv = buildArgv(parsed, rule, endpoints)
  return { kind: 'run', argv, streams: endless(parsed, rule) }
}
