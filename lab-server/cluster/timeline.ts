/**
 * What was so from when on: a list of changes, oldest first. A value holds until the next change.
 * Times are milliseconds of one clock, any.
 */
export type Timeline<Value> = readonly { readonly at: number; readonly value: Value }[]

/** A stretch in which the value did not change. */
export interface Span<Value> {
  readonly from: number
  readonly to: number
  readonly value: Value
}

/**
 * Adds a change, or nothing when `value` is what holds already. A change that comes late, with a
 * time before the last one's, counts from the last one on: the past is not rewritten.
 */
export function addChange<Value>(
  timeline: Timeline<Value>,
  at: number,
  value: Value,
  same: (a: Value, b: Value) => boolean,
): Timeline<Value> {
  const last = timeline.at(-1)
  if (last === undefined) return [{ at, value }]
  if (same(last.value, value)) return timeline
  if (at > last.at) return [...timeline, { at, value }]
  return addChange(timeline.slice(0, -1), last.at, value, same)
}

/** Forgets changes that no longer matter from `before` on. */
export function forgetBefore<Value>(timeline: Timeline<Value>, before: number): Timeline<Value> {
  const holding = timeline.findLastIndex((change) => change.at <= before)
  return holding <= 0 ? timeline : timeline.slice(holding)
}

/** The stretches between `from` and `to`, without gap from the first change on. */
export function spansBetween<Value>(
  timeline: Timeline<Value>,
  from: number,
  to: number,
): Span<Value>[] {
  return timeline.flatMap(({ at, value }, index) => {
    const start = Math.max(at, from)
    const end = Math.min(timeline[index + 1]?.at ?? to, to)
    return start < end ? [{ from: start, to: end, value }] : []
  })
}
