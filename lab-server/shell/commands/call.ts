import { setTimeout as delay } from 'node:timers/promises'
import { balancerNames, createBalancer } from '../call/balancer.ts'
import type { Attempt } from '../call/call-once.ts'
import { addCall, type CallTally, noCalls } from '../call/call-tally.ts'
import { createCaller } from '../call/caller.ts'
import type { Command, CommandContext } from '../command.ts'
import type { Messages } from '../messages/en.ts'
import type { Style } from '../paint.ts'
import { formatMs } from '../quantities.ts'
import { makeVisibleInline } from '../sanitize.ts'
import {
  readService,
  servicePositional,
  shortServiceName,
  versionOption,
} from './service-arguments.ts'
import { providersOf, registryOf } from './tools.ts'

/** A provider on loopback answers within milliseconds. */
const deadlineMs = 1000

function describeAttempt({ address, outcome }: Attempt, m: Messages): string {
  const at = makeVisibleInline(address)
  switch (outcome.kind) {
    case 'answered':
      return m.call.answered({ ...outcome, address: at, time: formatMs(outcome.ms) })
    case 'stranger':
      return m.call.stranger({ address: at })
    case 'gone':
      return m.call.gone({ ...outcome, address: at })
    case 'refused':
      return m.call.refused({ ...outcome, address: at })
    case 'late':
      return m.call.late({ ...outcome, address: at, time: formatMs(deadlineMs) })
    case 'broken':
      return m.call.broken({ ...outcome, address: at, time: formatMs(outcome.ms) })
  }
}

/** One line for one call, with its retry. */
function describeCall(
  attempts: readonly Attempt[],
  service: string,
  m: Messages,
): { readonly words: string; readonly style?: Style } {
  const [first, second] = attempts
  if (first === undefined) return { words: m.call.nobody({ service }), style: 'bad' }
  const words = describeAttempt(first, m)
  if (first.outcome.kind === 'answered') return { words }
  if (second === undefined) return { words: m.call.notRetried({ words }), style: 'bad' }
  return {
    words: m.call.retried({ words, retry: describeAttempt(second, m) }),
    style: second.outcome.kind === 'answered' ? 'warn' : 'bad',
  }
}

function printSummary(context: CommandContext, tally: CallTally, service: string): void {
  const { m } = context
  const { calls, answered, failed, retried, uncertain, lackedProvider } = tally
  if (calls === 0) return
  const by = [...tally.byProvider]
    .sort(([a], [b]) => Number(a.slice(1)) - Number(b.slice(1)))
    .map(([provider, count]) => m.call.share({ provider, count }))
    .join(m.listSeparator)
  context.print(
    m.call.summary({ calls, answered, failed, retried, by }),
    failed > 0 ? 'bad' : 'good',
  )
  if (uncertain) context.print(m.call.uncertain, 'dim')
  if (lackedProvider) context.print(m.call.startOne({ service }), 'dim')
}

/** `makeCall` one after another, or each `everyMs` however long the others take. */
async function repeat(
  makeCall: (number: number) => Promise<void>,
  { count, everyMs, signal }: { count: number; everyMs: number | null; signal: AbortSignal },
): Promise<void> {
  const open = new Set<Promise<void>>()
  for (let number = 1; number <= count; number += 1) {
    const call = makeCall(number)
    if (everyMs === null) {
      await call
      continue
    }
    open.add(call)
    void call.finally(() => open.delete(call)).catch(() => undefined)
    if (number < count) await Promise.race([delay(everyMs, undefined, { signal }), failing(open)])
  }
  await Promise.all(open)
}

/** Rejects as soon as one of them does; otherwise never settles. */
function failing(open: ReadonlySet<Promise<void>>): Promise<never> {
  return new Promise((_, reject) => {
    for (const call of open) call.catch(reject)
  })
}

async function run(context: CommandContext): Promise<number> {
  const { args, m, signal } = context
  const id = readService(args)
  const service = shortServiceName(id)
  const everyMs = args.given('every') ? args.integer('every') : null
  const usualCount = everyMs === null ? 1 : Infinity
  const count = args.given('count') ? args.integer('count') : usualCount
  const name = balancerNames.find((each) => each === args.text('balance')) ?? 'random'
  const providers = providersOf(context)
  const over = new AbortController()
  const view = await context.wait(registryOf(context).registry.follow(id, { signal }))
  let tally = noCalls
  try {
    const either = AbortSignal.any([signal, over.signal])
    const call = createCaller({
      view,
      balancer: createBalancer(name),
      send: (address) => providers.call(address, { deadlineMs, signal: either }),
    })
    const makeCall = async (number: number) => {
      const attempts = await call()
      tally = addCall(tally, attempts)
      const { words, style } = describeCall(attempts, service, m)
      context.print(m.call.line({ number, words }), style)
      await context.drained()
    }
    await repeat(makeCall, { count, everyMs, signal: either })
  } finally {
    over.abort()
    view.close()
    // Also after Ctrl-C: that is how an endless one ends.
    printSummary(context, tally, service)
  }
  return tally.failed > 0 ? 1 : 0
}

export const call: Command = {
  name: 'call',
  aliases: [],
  requires: ['registry', 'providers'],
  positionals: [servicePositional],
  options: [
    versionOption,
    { kind: 'integer', name: 'count', value: 'n', min: 1, max: 10_000 },
    { kind: 'integer', name: 'every', value: 'ms', min: 50, max: 60_000 },
    { kind: 'choice', name: 'balance', choices: balancerNames, defaultValue: 'random' },
  ],
  streams: true,
  needsQuorum: true,
  examples: ['call UserService', 'call UserService --every 200 --balance least-pending'],
  run,
}
