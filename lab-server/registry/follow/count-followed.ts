import type { Telemetry } from '../../telemetry/telemetry.ts'
import { serviceOfPrefix } from '../service-key.ts'
import type { ViewEntry } from '../view.ts'
import type { FollowState } from './follow-state.ts'

type Entries = ReadonlyMap<string, ViewEntry>

const none: Entries = new Map()

/** Counts what one step of a followed view is worth counting: values nobody can read, and the guard. */
export function countFollowed(telemetry: Telemetry, before: FollowState, after: FollowState): void {
  const name = serviceOfPrefix(after.served.prefix)
  if (before.served.entries !== after.served.entries)
    telemetry.undecodable(name, countUndecodable(before.served.entries, after.served.entries))
  const held = before.guard?.held ?? none
  const holds = after.guard?.held ?? none
  telemetry.guarded(name, 'held', countMissing(holds, held))
  telemetry.guarded(name, 'released', countMissing(held, holds))
}

/** Values that were not there before. */
function countUndecodable(before: Entries, after: Entries): number {
  return [...after.values()].filter(
    ({ key, found, modRevision }) => found === null && before.get(key)?.modRevision !== modRevision,
  ).length
}

function countMissing(of: Entries, from: Entries): number {
  return [...of.keys()].filter((key) => !from.has(key)).length
}
