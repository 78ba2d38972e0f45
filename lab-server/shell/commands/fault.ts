import {
  LabError,
  type FaultAction,
  type FaultRecord,
  type ProcessState,
} from '../../../protocol/index.ts'
import type { ClusterCapabilities } from '../../cluster/cluster-driver.ts'
import type { Command, CommandContext, CompletionSource } from '../command.ts'
import type { Messages } from '../messages/en.ts'
import { formatMs } from '../quantities.ts'
import { freshSnapshot, printNoLeader, printQuorum, quorumNow } from './cluster-facts.ts'
import { clusterOf } from './tools.ts'

function describeFault(record: FaultRecord, tookMs: number, m: Messages): string {
  const { member } = record
  switch (record.action) {
    case 'kill':
      return m.fault.killed({ member })
    case 'stop':
      return m.fault.stopped({ member })
    case 'pause':
      return m.fault.paused({ member })
    case 'resume':
      return m.fault.resumed({ member })
    case 'start':
      return m.fault.started({ member, took: formatMs(tookMs) })
  }
}

async function printFailover(context: CommandContext, fault: FaultRecord) {
  const { monitor } = clusterOf(context)
  const { m } = context
  context.print(m.fault.measuring, 'dim')
  const record = await context.wait(monitor.settled(fault.id, context.signal))
  const { newLeader, leaderlessMs, writeGapMs, samples } = record
  if (newLeader === null || leaderlessMs === null) {
    printNoLeader(context, m, monitor.snapshot(), m.fault.notSeen)
    return
  }
  const snapshot = await context.wait(freshSnapshot(monitor))
  const status = snapshot.members.find((member) => member.name === newLeader)?.status
  context.print(m.fault.newLeader({ member: newLeader, term: status?.term ?? null }), 'good')
  const widest = formatMs(record.widestSampleGapMs)
  context.print(m.fault.leaderless({ time: formatMs(leaderlessMs), samples, widest }))
  if (writeGapMs === null) context.print(m.fault.noWrite, 'warn')
  else context.print(m.fault.writeGap({ time: formatMs(writeGapMs) }))
}

const leaderWaitMs = 5000

/** Who leads once the members agree; an election may still be under way. */
async function printLeader(context: CommandContext) {
  const { monitor } = clusterOf(context)
  const { m, signal } = context
  try {
    const options = { timeoutMs: leaderWaitMs, signal }
    const member = await context.wait(monitor.waitForLeader(options))
    context.print(m.fault.leaderStays({ member }))
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'TIMEOUT') throw error
    printNoLeader(context, m, monitor.snapshot())
  }
}

async function printOutcome(context: CommandContext, record: FaultRecord) {
  const { driver } = clusterOf(context)
  const { m } = context
  const returns = record.action === 'start' || record.action === 'resume'
  if (!quorumNow(driver).held) {
    printQuorum(context, m, driver)
    return
  }
  if (record.wasLeader && !returns) await printFailover(context, record)
  else await printLeader(context)
  const back = record.action === 'pause' ? 'resume' : 'start'
  const next = returns
    ? m.fault.nextAfterReturn
    : m.fault.nextAfterLoss({ start: `${back} ${record.member}` })
  context.print(next, 'dim')
}

const absentStates: Readonly<Partial<Record<FaultAction, readonly ProcessState[]>>> = {
  start: ['stopped', 'killed', 'exited'],
  resume: ['paused'],
}

/** What the reader named; `start` and `resume` alone mean every member that waits for it. */
function targetsOf(context: CommandContext, action: FaultAction): readonly string[] {
  const states = absentStates[action]
  const named = states === undefined ? context.args.required('target') : context.args.text('target')
  if (named !== undefined) return [named]
  const absent = clusterOf(context).driver.members()
  return absent.filter(({ state }) => states?.includes(state)).map(({ name }) => name)
}

async function doFault(context: CommandContext, action: FaultAction, target: string) {
  const { monitor } = clusterOf(context)
  const { m } = context
  const { term } = monitor.snapshot()
  const started = performance.now()
  const record = await context.wait(monitor.fault(action, target))
  context.print(describeFault(record, performance.now() - started, m))
  if (record.wasLeader) context.print(m.fault.wasLeader({ member: record.member, term }))
  return record
}

async function runFault(context: CommandContext, action: FaultAction): Promise<number> {
  const { monitor } = clusterOf(context)
  const { m } = context
  const targets = targetsOf(context, action)
  // Probe writes run only while someone looks, and the write gap is measured by them.
  const stopLooking = monitor.watch(() => undefined)
  try {
    if (targets.length === 0) {
      context.print(action === 'resume' ? m.fault.nobodyToResume : m.fault.nobodyToStart)
    }
    let last: FaultRecord | null = null
    const failures: LabError[] = []
    for (const target of targets) {
      try {
        last = await doFault(context, action, target)
      } catch (error) {
        // One member that cannot come back must not keep the others away.
        if (!(error instanceof LabError) || context.signal.aborted) throw error
        failures.push(error)
      }
    }
    if (last !== null) await printOutcome(context, last)
    const [failure] = failures
    if (failure !== undefined) throw failure
    return 0
  } finally {
    stopLooking()
  }
}

interface FaultDeclaration {
  readonly action: FaultAction
  readonly capability: keyof ClusterCapabilities
  readonly complete: CompletionSource
  readonly examples: readonly string[]
}

/** The five faults differ in what they do to a member, and in nothing else. */
function faultCommand({ action, capability, complete, examples }: FaultDeclaration): Command {
  const roles = complete === 'targets' ? '|leader|follower' : ''
  return {
    name: action,
    aliases: [],
    requires: ['cluster'],
    capability,
    positionals: [
      {
        name: 'target',
        required: absentStates[action] === undefined,
        placeholder: `<member${roles}>`,
        complete,
      },
    ],
    options: [],
    examples,
    run: (context) => runFault(context, action),
  }
}

export const kill = faultCommand({
  action: 'kill',
  capability: 'kill',
  complete: 'targets',
  examples: ['kill leader', 'kill etcd1'],
})

export const stop = faultCommand({
  action: 'stop',
  capability: 'stop',
  complete: 'targets',
  examples: ['stop leader', 'stop etcd1'],
})

export const start = faultCommand({
  action: 'start',
  capability: 'stop',
  complete: 'members',
  examples: ['start', 'start etcd1'],
})

export const pause = faultCommand({
  action: 'pause',
  capability: 'pause',
  complete: 'targets',
  examples: ['pause leader', 'pause etcd1'],
})

export const resume = faultCommand({
  action: 'resume',
  capability: 'pause',
  complete: 'members',
  examples: ['resume', 'resume etcd1'],
})
