import { setTimeout as delay } from 'node:timers/promises'
import type { Completion } from '../../protocol/index.ts'
import type { Command, CompletionSource, ShellTools } from './command.ts'
import { commandText } from './command.ts'
import { findCommand } from './command-table.ts'
import { completableShells } from './commands/completion.ts'
import { providerActions } from './commands/provider.ts'
import { shortServiceName } from './commands/service-arguments.ts'
import type { Messages } from './messages/en.ts'
import { quoteWord, splitLine } from './parse-line.ts'
import { everyProvider } from './provider-targets.ts'
import { leaseIdToHex } from './quantities.ts'
import { makeVisibleInline } from './sanitize.ts'
import { formatServiceId, parseServiceId } from '../registry/service-key.ts'

/** For whom, and with what, Tab is answered. */
export interface CompletionScene {
  readonly m: Messages
  readonly tools: ShellTools
  readonly commands: readonly Command[]
}

export interface CompletionRequest extends CompletionScene {
  readonly line: string
  /** UTF-16 offset in `line`. */
  readonly cursor: number
}

export interface Completions {
  /** Candidates replace `line.slice(from, cursor)`. */
  readonly from: number
  readonly candidates: readonly Completion[]
}

/** Where in a command the cursor is. */
interface Place {
  /** The finished words before the cursor. */
  readonly words: readonly string[]
  readonly prefix: string
}

interface Cursor extends Place {
  readonly from: number
}

/** How long Tab may ask etcd, milliseconds. A program that has just started has yet to connect. */
const deadlines = { lab: 300, program: 1500 }
const mostCandidates = 100

function readCursor(line: string, cursor: number): Cursor | null {
  const { words, problem } = splitLine(line.slice(0, cursor))
  if (problem !== null && problem.kind !== 'unterminated') return null
  const last = words.at(-1)
  if (last === undefined || last.to < cursor) {
    return { words: words.map((word) => word.value), prefix: '', from: cursor }
  }
  const before = words.slice(0, -1).map((word) => word.value)
  return { words: before, prefix: last.value, from: last.from }
}

function completeCommands({ commands, m }: CompletionScene): Completion[] {
  return commands.map((one) => ({ value: one.name, description: commandText(one, m).summary }))
}

function completeMembers({ tools, m }: CompletionScene): Completion[] {
  return (tools.driver?.members() ?? []).map(({ name, state }) => ({
    value: name,
    description: m.cluster.states[state],
  }))
}

function completeTargets(request: CompletionScene): Completion[] {
  const { m, tools } = request
  const leader = m.complete.leader({ member: tools.monitor?.snapshot().leader ?? null })
  return [
    { value: 'leader', description: leader },
    { value: 'follower', description: m.complete.follower },
    ...completeMembers(request),
  ]
}

async function completeServices({ tools, m }: CompletionScene, at: Place) {
  const found = await tools.registry?.services()
  const full = at.prefix.includes(':')
  return (found?.services ?? []).map(({ id, instances }) => ({
    value: full ? formatServiceId(id) : shortServiceName(id),
    description: m.complete.instances({ count: instances }),
  }))
}

async function completeAddresses({ tools }: CompletionScene, given: readonly string[]) {
  const [service] = given
  if (service === undefined || tools.registry === null) return []
  const { instances } = await tools.registry.discover(parseServiceId(service))
  return instances.map(({ instance }) => ({
    value: `${instance.serviceHost}:${String(instance.servicePort)}`,
    description: instance.serviceGroup,
  }))
}

function completeProviderActions({ m }: CompletionScene): Completion[] {
  return providerActions.map((action) => ({
    value: action,
    description: m.provider.actions[action],
  }))
}

/** A service to start a provider of; or the providers that run, singly or together. */
async function completeProviderTargets(request: CompletionScene, at: Place) {
  const [, action] = at.words
  if (action === 'start') return await completeServices(request, at)
  const providers = request.tools.providers?.list() ?? []
  if (action === 'list' || providers.length === 0) return []
  const { m } = request
  const services = new Set(providers.map(({ service }) => shortServiceName(service)))
  return [
    ...providers.map(({ name, service, state }) => ({
      value: name,
      description: `${shortServiceName(service)} ${m.provider.states[state]}`,
    })),
    ...[...services].map((value) => ({ value, description: m.provider.allOf })),
    { value: everyProvider, description: m.provider.allOf },
  ]
}

async function completeLeases({ tools, m }: CompletionScene) {
  const leases = (await tools.inspector?.leases()) ?? []
  return leases.map((lease) => ({
    value: leaseIdToHex(lease.id),
    description: lease.keys[0] ?? m.lease.seconds({ seconds: lease.grantedTtl }),
  }))
}

async function completeSource(
  source: CompletionSource | undefined,
  request: CompletionScene,
  at: Place,
  given: readonly string[],
): Promise<Completion[]> {
  switch (source) {
    case 'commands':
      return completeCommands(request)
    case 'members':
      return completeMembers(request)
    case 'targets':
      return completeTargets(request)
    case 'services':
      return await completeServices(request, at)
    case 'addresses':
      return await completeAddresses(request, given)
    case 'leases':
      return await completeLeases(request)
    case 'shells':
      return completableShells.map((shell) => ({ value: shell, description: '' }))
    case 'provider-actions':
      return completeProviderActions(request)
    case 'provider-targets':
      return await completeProviderTargets(request, at)
    case undefined:
      return []
  }
}

/** The positionals before the cursor: words that are neither options nor their values. */
function givenPositionals(command: Command, words: readonly string[]): readonly string[] {
  const after = words.slice(1)
  return after.filter((word, index) => {
    const previous = after[index - 1]
    const value = previous !== undefined && takesValue(command, previous)
    return !word.startsWith('-') && !value
  })
}

/** The words that an option may be, where it has a few. */
function completeChoices(command: Command, word: string): Completion[] {
  const option = command.options.find(({ name }) => word === `--${name}`)
  if (option?.kind !== 'choice') return []
  return option.choices.map((value) => ({ value, description: '' }))
}

function takesValue(command: Command, word: string): boolean {
  const isFlag = command.options.some(({ kind, name }) => kind === 'flag' && word === `--${name}`)
  return !isFlag && /^--?[\w-]+$/.test(word)
}

async function candidatesAt(request: CompletionScene, at: Place): Promise<readonly Completion[]> {
  const [name] = at.words
  if (name === undefined) return completeCommands(request)
  const command = findCommand(request.commands, name)
  if (command === null) return []
  if (command.complete !== undefined) {
    const { m, tools } = request
    return command.complete({ words: at.words.slice(1), prefix: at.prefix, m, tools })
  }
  if (at.prefix.startsWith('-')) {
    const { options } = commandText(command, request.m)
    return command.options.map((option) => ({
      value: `--${option.name}`,
      description: options[option.name] ?? '',
    }))
  }
  if (
    takesValue(command, at.words.at(-1) ?? '') &&
    at.words.length > 1 &&
    at.words.at(-1)?.startsWith('-')
  ) {
    return completeChoices(command, at.words.at(-1) ?? '')
  }
  const given = givenPositionals(command, at.words)
  const positional = command.positionals[given.length]
  return await completeSource(positional?.complete, request, at, given)
}

/** A candidate is offered only if the line it makes can be read back. */
function offer(candidate: Completion): Completion[] {
  const value = quoteWord(candidate.value)
  const { words, problem } = splitLine(value)
  if (problem !== null || words[0]?.value !== candidate.value) return []
  return [{ value, description: makeVisibleInline(candidate.description) }]
}

/** Quotes no more than it offers: a cluster may hold many thousand services. */
function takeFitting(
  found: readonly Completion[],
  prefix: string,
  prepare: (candidate: Completion) => readonly Completion[],
): Completion[] {
  const start = prefix.toLowerCase()
  const taken: Completion[] = []
  for (const candidate of found) {
    if (taken.length >= mostCandidates) break
    if (candidate.value.toLowerCase().startsWith(start)) taken.push(...prepare(candidate))
  }
  return taken
}

/** Asks etcd for as long as that and then knows nothing; rejects when etcd refuses sooner. */
async function findInTime(
  scene: CompletionScene,
  at: Place,
  deadlineMs: number,
): Promise<readonly Completion[]> {
  const late = new AbortController()
  try {
    return await Promise.race([
      candidatesAt(scene, at),
      delay(deadlineMs, [] as readonly Completion[], { signal: late.signal }),
    ])
  } finally {
    late.abort()
  }
}

/** What Tab offers at the cursor of a line; rejects when etcd refuses. */
export async function complete(request: CompletionRequest): Promise<Completions> {
  const cursor = Math.min(request.cursor, request.line.length)
  const at = readCursor(request.line, cursor)
  if (at === null) return { from: cursor, candidates: [] }
  const found = await findInTime(request, at, deadlines.lab)
  return { from: at.from, candidates: takeFitting(found, at.prefix, offer) }
}

/**
 * Not quoted: how a shell reads a word only its own completion script knows (completion-script.ts).
 * What has no place on one line is left out.
 */
function offerRaw({ value, description }: Completion): Completion[] {
  if (makeVisibleInline(value) !== value) return []
  return [{ value, description: makeVisibleInline(description) }]
}

/** The same for words that another shell has split; the last one is under the cursor. */
export async function completeWords(
  words: readonly string[],
  scene: CompletionScene,
): Promise<readonly Completion[]> {
  const prefix = words.at(-1) ?? ''
  const found = await findInTime(scene, { words: words.slice(0, -1), prefix }, deadlines.program)
  return takeFitting(found, prefix, offerRaw)
}
