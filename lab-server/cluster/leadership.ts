import type { ProcessState } from '../../protocol/index.ts'
import type { MemberAnswer } from '../etcd/etcd-member.ts'
import { countQuorum } from './quorum.ts'

/** What is known of one member: its process, and what it said last while it answers. */
export interface Observation {
  readonly name: string
  readonly process: ProcessState
  readonly answer: MemberAnswer | null
}

export interface Leadership {
  /** Null when no running member names itself leader, or when quorum is lost. */
  readonly leader: string | null
  /** The highest term that any member named. */
  readonly term: string
}

/**
 * The running member that names itself leader in the highest term. A leader that has lost its
 * quorum goes on naming itself until it notices, for about one election timeout: it leads nobody.
 */
export function findLeadership(members: readonly Observation[]): Leadership {
  const term = highestTerm(members)
  const { held } = countQuorum(members.map((member) => member.process))
  if (!held) return { leader: null, term }
  const [first] = answering(members)
    .filter(({ answer }) => answer.leaderId === answer.memberId)
    .sort((a, b) => compareTerms(b.answer.term, a.answer.term))
  return { leader: first?.name ?? null, term }
}

/** The member that every running member names as leader and that runs; null without agreement. */
export function findAgreedLeader(members: readonly Observation[]): string | null {
  const { leader } = findLeadership(members)
  const id = members.find((member) => member.name === leader)?.answer?.memberId
  const agreed = members
    .filter((member) => member.process === 'running')
    .every(({ answer }) => answer !== null && answer.leaderId === id)
  return agreed ? leader : null
}

/** True when no running member names a leader any more. */
export function knowsNoLeader(members: readonly Observation[]): boolean {
  return members
    .filter((member) => member.process === 'running')
    .every(({ answer }) => answer !== null && answer.leaderId === null)
}

/** Terms are int64 as decimal strings. */
export function compareTerms(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b))
}

function answering(members: readonly Observation[]) {
  return members.flatMap(({ name, process, answer }) =>
    process === 'running' && answer !== null ? [{ name, answer }] : [],
  )
}

function highestTerm(members: readonly Observation[]): string {
  return members
    .map(({ answer }) => answer?.term ?? '0')
    .reduce((highest, term) => (compareTerms(term, highest) > 0 ? term : highest), '0')
}
