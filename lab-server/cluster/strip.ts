import type { ClusterSnapshot, ProcessState } from '../../protocol/index.ts'
import type { Leadership } from './leadership.ts'
import { addChange, forgetBefore, spansBetween, type Timeline } from './timeline.ts'

export type WriteState = ClusterSnapshot['strip']['writes'][number]['state']

/** How much of the past the strip shows, milliseconds. */
const stripMs = 60_000

/** The last minute, as changes. Times are of the monotonic clock. */
export interface Strip {
  readonly leaders: Timeline<Leadership>
  readonly writes: Timeline<WriteState>
  readonly members: ReadonlyMap<string, Timeline<ProcessState>>
}

export const emptyStrip: Strip = { leaders: [], writes: [], members: new Map() }

export function noteLeader(strip: Strip, at: number, leadership: Leadership): Strip {
  const leaders = addChange(strip.leaders, at, leadership, sameLeadership)
  return { ...strip, leaders: forgetBefore(leaders, at - stripMs) }
}

export function noteWrites(strip: Strip, at: number, state: WriteState): Strip {
  const writes = addChange(strip.writes, at, state, Object.is)
  return { ...strip, writes: forgetBefore(writes, at - stripMs) }
}

export function noteMember(strip: Strip, at: number, name: string, state: ProcessState): Strip {
  const timeline = addChange(strip.members.get(name) ?? [], at, state, Object.is)
  const members = new Map(strip.members).set(name, forgetBefore(timeline, at - stripMs))
  return { ...strip, members }
}

/** The strip as it is sent: from a minute before `now` to `now`, in epoch time. */
export function viewStrip(
  strip: Strip,
  now: number,
  toEpoch: (monotonic: number) => number,
): ClusterSnapshot['strip'] {
  const from = now - stripMs
  const spans = <Value>(timeline: Timeline<Value>) =>
    spansBetween(timeline, from, now).map(({ value, ...span }) => ({
      value,
      from: toEpoch(span.from),
      to: toEpoch(span.to),
    }))
  return {
    from: toEpoch(from),
    leaders: spans(strip.leaders).map(({ value, ...span }) => ({ ...span, ...value })),
    writes: spans(strip.writes).map(({ value, ...span }) => ({ ...span, state: value })),
    members: [...strip.members].flatMap(([member, timeline]) =>
      spans(timeline).map(({ value, ...span }) => ({ ...span, member, process: value })),
    ),
  }
}

function sameLeadership(a: Leadership, b: Leadership): boolean {
  return a.leader === b.leader && a.term === b.term
}
