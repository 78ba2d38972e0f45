import type { FaultRecord } from '../../protocol/index.ts'
import { durationWords } from './duration-words.ts'
import type { Words } from './words.ts'

/** Faults that take a member away; the others bring one back. */
const harmful = new Set(['kill', 'stop', 'pause'])

/** The fault whose result is worth a line: the newest that took a member away. */
export function latestFault(faults: readonly FaultRecord[]): FaultRecord | null {
  return faults.findLast((fault) => harmful.has(fault.action)) ?? null
}

/** What was done, who leads now, and what was measured, as one paragraph. */
export function faultResult(fault: FaultRecord, words: Words): string {
  const { member, action } = fault
  const done = words(`lab.fault.${action}${fault.wasLeader ? '.leader' : ''}`, { member })
  if (fault.measuring) return `${done}${words('lab.fault.gap')}${words('lab.fault.measuring')}`
  return [done, election(fault, words), writes(fault, words)]
    .filter((part) => part !== '')
    .join(words('lab.fault.gap'))
}

function election(fault: FaultRecord, words: Words): string {
  if (!fault.wasLeader) return words('lab.fault.notLeader')
  if (fault.newLeader === null || fault.leaderlessMs === null) return words('lab.fault.noNewLeader')
  return words('lab.fault.newLeader', {
    leader: fault.newLeader,
    duration: durationWords(fault.leaderlessMs, words),
  })
}

function writes(fault: FaultRecord, words: Words): string {
  if (fault.writeGapMs === null) return words('lab.fault.noWriteGap')
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
