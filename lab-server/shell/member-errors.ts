import type { LabError } from '../../protocol/index.ts'
import type { MemberProcess } from '../cluster/cluster-driver.ts'
import { en, type Messages } from './messages/en.ts'
import { nearestName } from './nearest.ts'
import { makeVisibleInline } from './sanitize.ts'
import { ShellError } from './shell-error.ts'

const roles = ['leader', 'follower']

/** What is wrong with the member that a reader named, in their language; null for other errors. */
function memberWords(
  { code, details }: LabError,
  members: readonly MemberProcess[],
): ((m: Messages) => string) | null {
  const member = makeVisibleInline(String(details['member'] ?? ''))
  if (member === '') return null
  if (code === 'NO_SUCH_MEMBER') return noSuchMember(member, members)
  const { action, state } = details
  if (code !== 'MEMBER_STATE' || typeof action !== 'string' || !isState(state)) return null
  return (m) => m.fault.wrongState({ member, action, state: m.cluster.states[state] })
}

/** The same error in words of both languages, where there are some. */
export function inMemberWords(error: LabError, members: readonly MemberProcess[]): LabError {
  const words = memberWords(error, members)
  const { code, details } = error
  return words === null ? error : new ShellError(code, words, { cause: error, details })
}

function noSuchMember(member: string, members: readonly MemberProcess[]): (m: Messages) => string {
  // The role was understood, and nobody has it.
  if (member === 'follower') return (m) => m.fault.noFollower
  const names = members.map(({ name }) => name)
  const facts = { member, nearest: nearestName(member, [...names, ...roles]) }
  return (m) => m.fault.noSuchMember({ ...facts, members: names.join(m.listSeparator) })
}

function isState(state: unknown): state is keyof Messages['cluster']['states'] {
  return typeof state === 'string' && Object.hasOwn(en.cluster.states, state)
}
