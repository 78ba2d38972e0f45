import type { Command, Option, Requirement, ShellTools } from './command.ts'
import { call } from './commands/call.ts'
import { clear } from './commands/clear.ts'
import { cluster } from './commands/cluster.ts'
import { completion } from './commands/completion.ts'
import { deregister } from './commands/deregister.ts'
import { discover } from './commands/discover.ts'
import { doctor } from './commands/doctor.ts'
import { endpoints } from './commands/endpoints.ts'
import { etcdctl } from './commands/etcdctl.ts'
import { explain } from './commands/explain.ts'
import { kill, pause, resume, start, stop } from './commands/fault.ts'
import { help } from './commands/help.ts'
import { lease } from './commands/lease.ts'
import { logs } from './commands/logs.ts'
import { naive } from './commands/naive.ts'
import { provider } from './commands/provider.ts'
import { register } from './commands/register.ts'
import { services } from './commands/services.ts'
import { snapshot } from './commands/snapshot.ts'
import { version } from './commands/version.ts'
import { watch } from './commands/watch.ts'
import { nearest } from './nearest.ts'
import { ShellError } from './shell-error.ts'

/** Every command, in the order of the help page. */
export function allCommands(): readonly Command[] {
  return [
    register,
    deregister,
    discover,
    services,
    watch,
    explain,
    snapshot,
    doctor,
    provider,
    call,
    cluster,
    kill,
    stop,
    start,
    pause,
    resume,
    logs,
    lease,
    endpoints,
    naive,
    etcdctl,
    version,
    completion,
    clear,
    help,
  ]
}

function meets(tools: ShellTools, requirement: Requirement): boolean {
  switch (requirement) {
    case 'cluster':
      return tools.driver !== null && tools.monitor !== null
    case 'registry':
      return tools.registry !== null && tools.inspector !== null
    case 'naive':
      return tools.naive !== null
    case 'providers':
      return tools.providers !== null
    case 'lab':
      return tools.etcdctl !== null
    case 'program':
      return tools.program !== null
  }
}

/** The commands whose requirements are met; the others do not exist here. */
export function availableCommands(tools: ShellTools): readonly Command[] {
  const known = allCommands().filter(
    ({ requires, capability }) =>
      requires.every((one) => meets(tools, one)) &&
      (capability === undefined || tools.driver?.capabilities[capability] === true),
  )
  return known.map((command) => ({
    ...command,
    options: command.options
      .filter((option) => isAvailable(tools, option))
      .map((option) => asSet(option, tools)),
  }))
}

/** With the default that holds here. */
function asSet(option: Option, { program }: ShellTools): Option {
  if (option.kind !== 'integer' || option.setting === undefined || program === null) return option
  return { ...option, defaultValue: program[option.setting] }
}

function isAvailable(tools: ShellTools, option: Option): boolean {
  return option.kind !== 'flag' || option.requires === undefined || meets(tools, option.requires)
}

/** By name or alias; null when there is none. */
export function findCommand(commands: readonly Command[], name: string): Command | null {
  return commands.find((one) => one.name === name || one.aliases.includes(name)) ?? null
}

export function unknownCommand(
  commands: readonly Command[],
  name: string,
  { program }: ShellTools,
): ShellError {
  const names = commands.flatMap((one) => [one.name, ...one.aliases])
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name
  const facts = { command: shown, nearest: nearest(name, names) }
  return new ShellError('UNKNOWN_COMMAND', (m) =>
    program === null
      ? m.shell.unknownCommand(facts)
      : m.program.unknownCommand({ ...facts, program: program.name }),
  )
}
