import type { ClusterSnapshot, FaultRecord } from '../../protocol/index.ts'

/** A stretch of a lane, in pixels from the left edge of the lanes. */
export interface Bar {
  readonly x: number
  readonly width: number
}

export interface Gap extends Bar {
  readonly fault: FaultRecord
  /** What the bracket spans, milliseconds. */
  readonly ms: number
}

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

/** The gaps that get a bracket: writes first, for they are what a client feels. */
export function measuredGaps(snapshot: ClusterSnapshot, width: number): readonly Gap[] {
  const scale = stripScale(snapshot.at, width)
  return snapshot.faults.flatMap((fault) => {
    const ms = fault.writeGapMs ?? fault.leaderlessMs
    if (ms === null || ms < 1 || !isGap(fault)) return []
    const bar = scale.bar(fault.at, fault.at + ms)
    return bar ? [{ ...bar, fault, ms }] : []
  })
}

/** A follower's end holds nothing up: its few milliseconds are no gap. */
function isGap(fault: FaultRecord): boolean {
  return fault.wasLeader || (fault.writeGapMs ?? 0) > 100
}
