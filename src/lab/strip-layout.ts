import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'
import { textWidth } from './cell-width.ts'
import { tookAway } from './fault-words.ts'

/** A stretch of a lane, in pixels from the left edge of the lanes. */
export interface Bar {
  readonly x: number
  readonly width: number
}

export interface Gap extends Bar {
  /** What the bracket spans, milliseconds. */
  readonly ms: number
}

/** Where the words of a gap stand: `x` is their start or their end, as `anchor` says. */
export interface GapLabel {
  readonly x: number
  readonly anchor: 'start' | 'end'
}

/** Pixels between two labels, and of one cell of bold text. */
const labelGap = 6
const labelCell = 6.8

/** A probe write may take this long with nothing wrong, milliseconds. */
const longestProbeMs = 100

/** Milliseconds the strip shows. */
export const stripMs = 60_000

/** Places moments of the last minute on `width` pixels; now is at the right edge. */
export function stripScale(now: number, width: number) {
  const start = now - stripMs
  const place = (at: number) => (Math.min(Math.max(at, start), now) - start) * (width / stripMs)
  return {
    /** At least 1.5 px: a short gap must be seen. Null when it lies outside the strip. */
    bar(from: number, to: number): Bar | null {
      if (to < start || from > now) return null
      const x = place(from)
      return { x, width: Math.max(1.5, place(to) - x) }
    },
    place,
  }
}

/**
 * The gaps that get a bracket: those measured after a fault, and refused writes that no such
 * measurement covers (quorum lost for longer than it is measured).
 */
export function measuredGaps(snapshot: ClusterSnapshot, width: number): readonly Gap[] {
  const scale = stripScale(snapshot.at, width)
  const measured = snapshot.faults.flatMap((fault) => {
    const ms = fault.writeGapMs ?? fault.leaderlessMs
    if (ms === null || !tookAway(fault) || !isGap(fault)) return []
    return [{ from: fault.at, to: fault.at + ms }]
  })
  const refused = snapshot.strip.writes.filter(
    (span) =>
      span.state === 'refused' &&
      span.to - span.from > longestProbeMs &&
      !measured.some((gap) => gap.from < span.to && span.from < gap.to),
  )
  return [...measured, ...refused].flatMap(({ from, to }) => {
    const bar = scale.bar(from, to)
    return bar ? [{ ...bar, ms: to - from }] : []
  })
}

/**
 * Places the labels of gaps on `width` pixels so that none covers another: from the left edge of
 * its gap, else up to its right edge, else nowhere (null). The newest are placed first.
 */
export function placeGapLabels(
  gaps: readonly { readonly gap: Bar; readonly label: string }[],
  width: number,
): readonly (GapLabel | null)[] {
  const taken: Bar[] = []
  const placed = new Map<Bar, GapLabel>()
  for (const { gap, label } of [...gaps].sort((a, b) => b.gap.x - a.gap.x)) {
    const size = textWidth(label) * labelCell
    const right = gap.x + gap.width
    const places = [
      { x: gap.x, anchor: 'start', box: { x: gap.x, width: size } },
      { x: right, anchor: 'end', box: { x: right - size, width: size } },
    ] as const
    const free = places.find(({ box }) => fits(box, width) && !taken.some((one) => touch(one, box)))
    if (!free) continue
    taken.push(free.box)
    placed.set(gap, { x: free.x, anchor: free.anchor })
  }
  return gaps.map(({ gap }) => placed.get(gap) ?? null)
}

function fits(box: Bar, width: number): boolean {
  // To the left of the lanes there is room: their titles stand lower.
  return box.x + box.width <= width && box.x >= -40
}

function touch(one: Bar, other: Bar): boolean {
  return one.x < other.x + other.width + labelGap && other.x < one.x + one.width + labelGap
}

/** A follower's end holds nothing up: its few milliseconds are no gap. */
function isGap(fault: FaultRecord): boolean {
  return fault.wasLeader || (fault.writeGapMs ?? 0) > longestProbeMs
}
