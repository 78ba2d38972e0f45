import { limits } from '../../../protocol/index.ts'
import type { ProviderControl, ProviderState } from '../../providers/provider-control.ts'
import { parseServiceId } from '../../registry/service-key.ts'
import type { Command, CommandContext } from '../command.ts'
import type { Messages } from '../messages/en.ts'
import { nearest } from '../nearest.ts'
import { findTargets, inProviderWords } from '../provider-targets.ts'
import { formatMs } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'
import { describeList } from '../usage.ts'
import { shortServiceName } from './service-arguments.ts'
import { providersOf } from './tools.ts'

export const providerActions = ['start', 'list', 'kill', 'pause', 'resume', 'drain'] as const
type ProviderAction = (typeof providerActions)[number]
type ChangeAction = Exclude<ProviderAction, 'start' | 'list'>

/** What `all` and a service take of their providers. */
const allowedStates: Readonly<Record<ChangeAction, ReadonlySet<ProviderState>>> = {
  kill: new Set(['starting', 'running', 'paused', 'draining']),
  pause: new Set(['running']),
  resume: new Set(['paused']),
  drain: new Set(['running']),
}

function readAction({ args }: CommandContext): ProviderAction {
  const value = args.required('action')
  const known = providerActions.find((action) => action === value)
  if (known !== undefined) return known
  const facts = { value, choices: providerActions, nearest: nearest(value, providerActions) }
  throw new ShellError('USAGE', (m) => m.provider.noSuchAction(facts))
}

/** The target, which only `list` does without. */
function readTarget({ args }: CommandContext, action: ProviderAction): string {
  const target = args.text('target')
  if (target !== undefined) return target
  throw new ShellError('USAGE', (m) =>
    action === 'start' ? m.provider.noService : m.provider.noTarget({ action }),
  )
}

/** What says how to start one says nothing elsewhere. */
function checkOptions({ args, command }: CommandContext, action: ProviderAction): void {
  if (action === 'start') return
  const stray = command.options.find(({ name }) => args.given(name))
  if (stray === undefined) return
  throw new ShellError('USAGE', (m) => m.provider.onlyForStart({ option: `--${stray.name}` }))
}

function checkRoom(providers: ProviderControl, wanted: number): void {
  const room = providers.room()
  if (wanted <= room) return
  const max = limits.providers
  const facts = { max, running: max - room, wanted }
  throw new ShellError('PROVIDER_LIMIT', (m) => m.provider.limit(facts), { details: facts })
}

/** Waits for all, tells of each that succeeded, then throws what the first that failed said. */
async function settle<T>(
  context: CommandContext,
  work: readonly Promise<T>[],
  tell: (result: T) => void,
): Promise<void> {
  const results = await context.wait(Promise.allSettled(work))
  for (const result of results) if (result.status === 'fulfilled') tell(result.value)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function start(context: CommandContext, providers: ProviderControl): Promise<number> {
  const { args, m, signal } = context
  const service = parseServiceId(readTarget(context, 'start'))
  const count = args.integer('count')
  const wanted = {
    service,
    ttlSeconds: args.integer('ttl'),
    weight: args.integer('weight'),
  }
  checkRoom(providers, count)
  const name = shortServiceName(service)
  const over = new AbortController()
  const startOne = async () => {
    try {
      return await providers.start(wanted, { signal: AbortSignal.any([signal, over.signal]) })
    } catch (error) {
      // What keeps one from starting keeps the others, which wait for their turn.
      over.abort()
      throw error
    }
  }
  const starts = Array.from({ length: count }, startOne)
  await settle(context, starts, (provider) => {
    const { address, ttlSeconds: ttl, weight } = provider
    const facts = { provider: provider.name, service: name, address: address ?? '', ttl, weight }
    context.print(m.provider.started(facts), 'good')
  })
  context.print(m.provider.next({ service: name }), 'dim')
  return 0
}

function list(context: CommandContext, providers: ProviderControl): number {
  const { args, m } = context
  const stray = args.text('target')
  if (stray !== undefined) {
    const value = makeVisibleInline(stray)
    throw new ShellError('USAGE', (words) => words.arguments.tooMany({ value }))
  }
  const rows = providers
    .list()
    .map(({ name, service, address, state, weight, ttlSeconds }) => [
      name,
      shortServiceName(service),
      address ?? '',
      m.provider.states[state],
      String(weight),
      m.lease.seconds({ seconds: ttlSeconds }),
    ])
  if (rows.length === 0) {
    context.print(m.provider.none)
    return 0
  }
  const right = 'right' as const
  context.printTable(
    [
      { title: m.provider.name },
      { title: m.services.service },
      { title: m.discover.address },
      { title: m.provider.state },
      { title: m.provider.weight, align: right },
      { title: 'TTL', align: right },
    ],
    rows,
  )
  return 0
}

/** Does it to one provider; resolves with the sentence that says what was done. */
async function changeOne(
  providers: ProviderControl,
  action: ChangeAction,
  provider: string,
  m: Messages,
): Promise<string> {
  const ttl = providers.list().find(({ name }) => name === provider)?.ttlSeconds ?? 0
  const started = performance.now()
  switch (action) {
    case 'kill':
      await providers.kill(provider)
      return m.provider.killed({ provider, ttl })
    case 'pause':
      await providers.pause(provider)
      return m.provider.paused({ provider, ttl })
    case 'resume':
      await providers.resume(provider)
      return m.provider.resumed({ provider })
    case 'drain': {
      const { deregistered } = await providers.drain(provider)
      const took = formatMs(performance.now() - started)
      return deregistered
        ? m.provider.drained({ provider, took })
        : m.provider.drainedWithoutWord({ provider, ttl })
    }
  }
}

async function change(
  context: CommandContext,
  providers: ProviderControl,
  action: ChangeAction,
): Promise<number> {
  const { m } = context
  const target = readTarget(context, action)
  const names = findTargets(target, providers.list(), allowedStates[action])
  if (names.length === 0) {
    context.print(providers.list().length === 0 ? m.provider.none : m.provider.nobody[action])
    return 0
  }
  try {
    const work = names.map((name) => changeOne(providers, action, name, m))
    await settle(context, work, (words) => context.print(words))
  } catch (error) {
    throw inProviderWords(error, providers.list())
  }
  context.print(m.provider.afterwards[action], 'dim')
  return 0
}

async function run(context: CommandContext): Promise<number> {
  const providers = providersOf(context)
  const action = readAction(context)
  checkOptions(context, action)
  if (action === 'list') return list(context, providers)
  if (action === 'start') return await start(context, providers)
  return await change(context, providers, action)
}

function listActions(m: Messages, columns: number): string[] {
  const rows = providerActions.map((action) => [action, m.provider.actions[action]] as const)
  return [m.provider.actionsTitle, ...describeList(rows, columns)]
}

export const provider: Command = {
  name: 'provider',
  aliases: ['providers'],
  requires: ['providers'],
  positionals: [
    {
      name: 'action',
      required: true,
      placeholder: `<${providerActions.join('|')}>`,
      complete: 'provider-actions',
    },
    {
      name: 'target',
      required: false,
      placeholder: '<service|provider|address|all>',
      complete: 'provider-targets',
    },
  ],
  options: [
    {
      kind: 'integer',
      name: 'count',
      value: 'n',
      min: 1,
      max: limits.providers,
      defaultValue: 1,
    },
    { kind: 'integer', name: 'ttl', value: 'seconds', min: 1, max: 86_400, defaultValue: 10 },
    { kind: 'integer', name: 'weight', value: 'weight', min: 0, max: 1000, defaultValue: 100 },
  ],
  needsQuorum: true,
  examples: [
    'provider start UserService --count 3',
    'provider list',
    'provider kill p1',
    'provider drain UserService',
  ],
  run,
  moreHelp: listActions,
}
