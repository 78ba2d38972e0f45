import type { Completion } from '../../../protocol/index.ts'
import type { Messages } from '../messages/en.ts'
import { globalFlags, outputFormats, type FlagRule, type SubcommandRule } from './policy.ts'

function completeName(
  subcommands: readonly SubcommandRule[],
  first: string | undefined,
): Completion[] {
  const names = new Map<string, string>()
  for (const { name, usage } of subcommands) {
    const [group = '', word] = name.split(' ')
    if (first === undefined) names.set(group, word === undefined ? usage : '…')
    else if (first === group && word !== undefined) names.set(word, usage)
  }
  return [...names].map(([value, description]) => ({ value, description }))
}

function completeFlag(
  flags: readonly FlagRule[],
  prefix: string,
  members: readonly string[],
  m: Messages,
) {
  const value = /^(--endpoints=(?:.*,)?|--write-out=)/.exec(prefix)?.[1]
  if (value?.startsWith('--endpoints=')) {
    return members.map((member) => ({ value: value + member, description: '' }))
  }
  if (value !== undefined) {
    return outputFormats.map((format) => ({ value: value + format, description: '' }))
  }
  return flags.map(({ name, kind }) => ({
    value: kind === 'boolean' ? `--${name}` : `--${name}=`,
    description: kind === 'endpoints' ? m.etcdctl.endpointFlag : m.etcdctl.flag,
  }))
}

interface EtcdctlScene {
  readonly members: readonly string[]
  readonly subcommands: readonly SubcommandRule[]
  readonly m: Messages
}

/** Sub-commands, their second word, and their flags. Keys are the reader's own. */
export function completeEtcdctl(
  words: readonly string[],
  prefix: string,
  { members, subcommands, m }: EtcdctlScene,
): readonly Completion[] {
  const [first, second] = words.filter((word) => !word.startsWith('-'))
  const rule = subcommands.find(({ name }) => name === first || name === `${first} ${second}`)
  if (prefix.startsWith('-')) {
    return completeFlag([...(rule?.flags ?? []), ...globalFlags], prefix, members, m)
  }
  if (rule !== undefined || second !== undefined) return []
  return completeName(subcommands, first)
}
