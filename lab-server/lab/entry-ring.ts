import type { TerminalEntry } from '../../protocol/index.ts'

type WithoutSeq<T> = T extends unknown ? Omit<T, 'seq'> : never
/** An entry before it has its number. */
export type NewEntry = WithoutSeq<TerminalEntry>

export interface RingLimits {
  readonly bytes: number
  readonly entries: number
}

/** The newest entries of a terminal, numbered from 1 without holes; the oldest make room. */
export interface EntryRing {
  /** Number of the oldest entry still kept; one more than `lastSeq` when there is none. */
  firstSeq(): number
  /** Number of the newest entry ever appended; 0 when there was none. */
  lastSeq(): number
  /** `clear` drops everything before it. */
  append(entry: NewEntry): void
  /** Entries newer than `seq`, oldest first: as many as `maxBytes` hold, at least one. */
  after(seq: number, maxBytes: number): readonly TerminalEntry[]
}

interface Kept {
  readonly entry: TerminalEntry
  readonly bytes: number
}

export function createEntryRing(limits: RingLimits): EntryRing {
  const kept: Kept[] = []
  let last = 0
  let bytes = 0
  const dropOldest = (count: number) => {
    for (const dropped of kept.splice(0, count)) bytes -= dropped.bytes
  }
  const first = () => last - kept.length + 1
  return {
    firstSeq: first,
    lastSeq: () => last,
    append(entry) {
      if (entry.kind === 'clear') dropOldest(kept.length)
      last += 1
      const added = { entry: { ...entry, seq: last }, bytes: sizeOf(entry) }
      kept.push(added)
      bytes += added.bytes
      while (kept.length > 1 && (bytes > limits.bytes || kept.length > limits.entries))
        dropOldest(1)
    },
    after(seq, maxBytes) {
      const start = Math.max(0, seq + 1 - first())
      return takeUpTo(kept, start, maxBytes)
    },
  }
}

function takeUpTo(
  kept: readonly Kept[],
  start: number,
  maxBytes: number,
): readonly TerminalEntry[] {
  const taken: TerminalEntry[] = []
  let bytes = 0
  for (let index = start; index < kept.length; index += 1) {
    const next = kept[index]
    if (next === undefined || (taken.length > 0 && bytes + next.bytes > maxBytes)) break
    taken.push(next.entry)
    bytes += next.bytes
  }
  return taken
}

/** What an entry costs, about: its text, and the object around it. */
function sizeOf(entry: NewEntry): number {
  const overhead = 100
  if (entry.kind === 'output') return overhead + Buffer.byteLength(entry.text)
  if (entry.kind === 'input') return overhead + Buffer.byteLength(entry.line)
  return overhead + (entry.kind === 'exit' ? Buffer.byteLength(entry.error?.message ?? '') : 0)
}
