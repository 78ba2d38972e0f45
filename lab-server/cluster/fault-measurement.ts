import type { FaultAction, FaultRecord } from '../../protocol/index.ts'
import type { MemberAnswer } from '../etcd/etcd-member.ts'
import { compareTerms, type Leadership } from './leadership.ts'

/** What is known of a fault at the moment it happened. */
export interface FaultStart {
  readonly id: number
  readonly action: FaultAction
  readonly member: string
  /** Milliseconds of the monotonic clock; what is measured counts from here. */
  readonly zero: number
  /** The same instant, epoch milliseconds. */
  readonly at: number
  /** Who led before. */
  readonly before: Leadership
}

/** One fault under measurement. Changed by replacing it. */
export interface Measurement {
  readonly start: FaultStart
  readonly record: FaultRecord
  /** When each member last answered, monotonic. */
  readonly answered: ReadonlyMap<string, number>
}

/** One answer to Status, as the measurement needs it. */
export interface Sample {
  readonly from: string
  readonly answer: MemberAnswer
  /** When the answer arrived, monotonic. */
  readonly at: number
  /** Name of the member that the answer names as leader; null for none or an unknown one. */
  readonly names: string | null
  /** True when the process of the member so named runs. */
  readonly namesLiving: boolean
}

export function beginMeasurement(start: FaultStart): Measurement {
  const { id, action, member, at, before } = start
  const record: FaultRecord = {
    id,
    action,
    member,
    wasLeader: takesAway(action) && before.leader === member,
    at,
    leaderlessMs: null,
    newLeader: null,
    writeGapMs: null,
    measuring: true,
    samples: 0,
    widestSampleGapMs: 0,
  }
  return { start, record, answered: new Map() }
}

export function withSample(measurement: Measurement, sample: Sample): Measurement {
  const { start, record, answered } = measurement
  const { from, at } = sample
  if (!record.measuring || at < start.zero) return measurement
  if (takesAway(start.action) && from === start.member) return measurement
  // A member that comes back owes no answer before its first.
  const gap = at - (answered.get(from) ?? (from === start.member ? at : start.zero))
  const counted = {
    ...record,
    samples: record.samples + 1,
    widestSampleGapMs: Math.max(record.widestSampleGapMs, gap),
  }
  return {
    start,
    answered: new Map(answered).set(from, at),
    record: showsNewLeader(measurement, sample)
      ? { ...counted, newLeader: sample.names, leaderlessMs: at - start.zero }
      : counted,
  }
}

/** A probe write was acknowledged. One that began before the fault proves nothing. */
export function withWrite(
  measurement: Measurement,
  write: { readonly startedAt: number; readonly at: number },
): Measurement {
  const { start, record } = measurement
  if (!record.measuring || record.writeGapMs !== null) return measurement
  if (write.startedAt < start.zero) return measurement
  return { ...measurement, record: { ...record, writeGapMs: write.at - start.zero } }
}

export function endMeasurement(measurement: Measurement): Measurement {
  return { ...measurement, record: { ...measurement.record, measuring: false } }
}

/** True while the leader that this fault should bring has not been seen. */
export function awaitsLeader({ start, record }: Measurement): boolean {
  return seeksLeader(start, record) && record.newLeader === null
}

/** Faults that take a leader away, and whatever happens while there is none. */
function seeksLeader({ before }: FaultStart, record: FaultRecord): boolean {
  return record.wasLeader || before.leader === null
}

/**
 * Survivors name the old leader until they know the new one, and a leader that was asked to stop
 * hands over before it exits: what tells is another name in a higher term.
 */
function showsNewLeader(measurement: Measurement, sample: Sample): boolean {
  const { start, record } = measurement
  if (!awaitsLeader(measurement) || sample.names === null || !sample.namesLiving) return false
  if (!takesAway(start.action)) return true
  if (sample.names === start.member) return false
  return !record.wasLeader || compareTerms(sample.answer.term, start.before.term) > 0
}

function takesAway(action: FaultAction): boolean {
  return action === 'kill' || action === 'stop' || action === 'pause'
}
