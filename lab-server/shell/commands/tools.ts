import { LabError } from '../../../protocol/index.ts'
import type { CommandContext } from '../command.ts'

function absent(command: string): LabError {
  return new LabError('INTERNAL', `${command} ran without what it declares to require`)
}

/** The cluster's driver and monitor, for commands that require `cluster`. */
export function clusterOf({ tools, command }: CommandContext) {
  const { driver, monitor } = tools
  if (driver === null || monitor === null) throw absent(command.name)
  return { driver, monitor }
}

/** The registry and the inspector, for commands that require `registry`. */
export function registryOf({ tools, command }: CommandContext) {
  const { registry, inspector } = tools
  if (registry === null || inspector === null) throw absent(command.name)
  return { registry, inspector }
}

/** The naive registry, for commands and flags that require `naive`. */
export function naiveOf({ tools, command }: CommandContext) {
  if (tools.naive === null) throw absent(command.name)
  return tools.naive
}

/** The lab's providers, for commands that require `providers`. */
export function providersOf({ tools, command }: CommandContext) {
  if (tools.providers === null) throw absent(command.name)
  return tools.providers
}

/** The etcdctl binary, for commands that require `lab`. */
export function etcdctlOf({ tools, command }: CommandContext) {
  if (tools.etcdctl === null) throw absent(command.name)
  return tools.etcdctl
}
