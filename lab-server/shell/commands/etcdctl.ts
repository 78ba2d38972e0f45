import type { Completion } from '../../../protocol/index.ts'
import { LabError } from '../../../protocol/index.ts'
import type { Command, CommandContext, OwnCompletion } from '../command.ts'
import { completeEtcdctl } from '../etcdctl/complete-etcdctl.ts'
import { findEndpoints } from '../etcdctl/endpoints.ts'
import { allowedSubcommands } from '../etcdctl/policy.ts'
import { runEtcdctl, type EtcdctlEnd } from '../etcdctl/run-etcdctl.ts'
import { vetEtcdctl } from '../etcdctl/vet.ts'
import type { Messages } from '../messages/en.ts'
import { formatBytes } from '../quantities.ts'
import { ShellError } from '../shell-error.ts'
import { limitTime } from '../time-limit.ts'
import { describeList } from '../usage.ts'
import { quorumNow } from './cluster-facts.ts'
import { clusterOf, etcdctlOf } from './tools.ts'

/** Bytes of one command's output. */
const outputLimit = 1024 * 1024

function listSubcommands(m: Messages, columns: number, shared: boolean): string[] {
  const rows = allowedSubcommands(shared).map((rule) => [rule.name, rule.usage] as const)
  return [m.etcdctl.listTitle, ...describeList(rows, columns), m.etcdctl.listEnd]
}

function exitCode(end: EtcdctlEnd, context: CommandContext): number {
  if (end.overflowed) {
    const limit = formatBytes(outputLimit)
    throw new ShellError('OUTPUT_LIMIT', (m) => m.etcdctl.outputLimit({ limit }))
  }
  if (end.signal !== null) {
    throw new LabError('ETCD_REFUSED', `etcdctl was ended by ${end.signal}`)
  }
  const code = end.code ?? 1
  if (code !== 0 && !quorumNow(clusterOf(context).driver).held) {
    throw new ShellError('QUORUM_LOST', (m) => m.shell.noQuorum)
  }
  return code
}

async function run(context: CommandContext): Promise<number> {
  const endpoints = findEndpoints(clusterOf(context).driver.members())
  const tool = etcdctlOf(context)
  const shared = context.tools.shared !== undefined
  const vetted = vetEtcdctl(context.argv, endpoints, { shared })
  if (vetted.kind === 'list') {
    context.print(listSubcommands(context.m, context.columns, shared).join('\n'))
    return 0
  }
  using limit = limitTime('etcdctl', context.signal, { endless: vetted.streams })
  const end = await runEtcdctl({
    path: tool.path,
    dir: endpoints.dir === '/' ? (tool.dir ?? '/') : endpoints.dir,
    argv: vetted.argv,
    signal: limit.signal,
    outputLimit,
    // etcdctl names the socket it used by its full path.
    hidden: endpoints.dir === '/' ? '' : `${endpoints.dir}/`,
    write: (name, visible) => context.stream(name, visible),
  })
  limit.signal.throwIfAborted()
  return exitCode(end, context)
}

function complete({ words, prefix, m, tools }: OwnCompletion): readonly Completion[] {
  const members = tools.driver?.members().map((member) => member.name) ?? []
  const allowed = allowedSubcommands(tools.shared !== undefined)
  return completeEtcdctl(words, prefix, { members, subcommands: allowed, m })
}

export const etcdctl: Command = {
  name: 'etcdctl',
  aliases: [],
  requires: ['cluster', 'lab'],
  positionals: [],
  options: [],
  ownUsage: '<sub-command> [flags]',
  // Some of its sub-commands run until Ctrl-C; the others get their limit here.
  streams: true,
  needsQuorum: true,
  examples: ['etcdctl get --prefix /rpc/', 'etcdctl endpoint status -w table', 'etcdctl help'],
  run,
  complete,
  moreHelp: listSubcommands,
}
