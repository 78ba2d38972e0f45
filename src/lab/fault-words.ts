import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'
import { durationWords } from './duration-words.ts'
import type { Words } from './words.ts'

/** Faults that take a member away; the others bring one back. */
const harmful: ReadonlySet<FaultRecord['action']> = new Set(['kill', 'stop', 'pause'])

/** A write gap shorter than this is what a write takes anyway, milliseconds. */
const noticeableMs = 100

/** The fault whose result is worth a line: the newest that took a member away. */
export function latestFault(faults: readonly FaultRecord[]): FaultRecord | null {
  return faults.findLast(tookAway) ?? null
}

/** True for what ends or freezes a member. */
export function tookAway(fault: FaultRecord): boolean {
  return harmful.has(fault.action)
}

/** The part of a snapshot that a fault is told with: how the cluster is now. */
export type ClusterNow = Pick<ClusterSnapshot, 'leader' | 'quorum'>

/** What was done, who leads now, and what was measured, as one paragraph. */
export function faultResult(fault: FaultRecord, now: ClusterNow, words: Words): string {
  const { member, action } = fault
  const done = words(`lab.fault.${action}${fault.wasLeader ? '.leader' : ''}`, { member })
  if (fault.measuring) return `${done}${words('lab.fault.gap')}${words('lab.fault.measuring')}`
  return [done, election(fault, now, words), writes(fault, words)]
    .filter((part) => part !== '')
    .join(words('lab.fault.gap'))
}

function election(fault: FaultRecord, now: ClusterNow, words: Words): string {
  if (!fault.wasLeader) return words(followerEnd(fault, now))
  const { leader } = now
  if (fault.newLeader === null || fault.leaderlessMs === null) {
    return leader === null
      ? words('lab.fault.noNewLeader')
      : words('lab.fault.laterLeader', { leader })
  }
  return words('lab.fault.newLeader', {
    leader: fault.newLeader,
    duration: durationWords(fault.leaderlessMs, words),
  })
}

/** A follower's end needs no election, unless a majority went with it: then no write passed. */
function followerEnd(fault: FaultRecord, { leader, quorum }: ClusterNow): string {
  if (fault.writeGapMs !== null) return 'lab.fault.notLeader'
  return quorum.held && leader !== null ? 'lab.fault.followed' : 'lab.fault.quorumLost'
}

function writes(fault: FaultRecord, words: Words): string {
  if (fault.writeGapMs === null) return words('lab.fault.noWriteGap')
  // A follower's end costs a write nothing but its own round trip.
  if (!fault.wasLeader && fault.writeGapMs < noticeableMs) return words('lab.fault.noGap')
  return words('lab.fault.writeGap', { duration: durationWords(fault.writeGapMs, words) })
}

/** How well the times are known. Empty when nothing was sampled. */
export function samplingNote(fault: FaultRecord, words: Words): string {
  if (fault.measuring || fault.samples === 0) return ''
  return words('lab.fault.sampling', {
    samples: fault.samples,
    widest: durationWords(fault.widestSampleGapMs, words),
  })
}
