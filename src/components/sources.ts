import list from '../../content/data/sources.json' with { type: 'json' }
import faults from '../../content/data/original-faults.json' with { type: 'json' }
import comparison from '../../content/data/comparison.json' with { type: 'json' }

/** Something a claim on a page rests on. `date` is ISO (YYYY, YYYY-MM or YYYY-MM-DD). */
export interface SourceEntry {
  readonly id: string
  readonly title: string
  readonly author: string
  readonly date: string
  readonly url: string
}

const byId = new Map<string, SourceEntry>(list.map((source) => [source.id, source]))

/** Throws when a page names a source that content/data/sources.json does not have. */
export function findSource(id: string): SourceEntry {
  const found = byId.get(id)
  if (!found) throw new Error(`content/data/sources.json has no source "${id}"`)
  return found
}

/** Source ids of the cells of the contested rows, in the order the table shows them. */
export function sourcesOfContested(): string[] {
  return comparison.rows
    .filter((row) => row.contested)
    .flatMap((row) => Object.values(row.cells).map((cell) => cell.source))
}

/** Source ids of the table of the original's faults, in its order. */
function sourcesOfFaults(): string[] {
  return faults.flatMap((fault) => fault.peers.map((peer) => peer.source))
}

/**
 * Sources of a page in the order of their first appearance in its MDX, which is also their number
 * on that page.
 */
export function sourcesOf(body: string): SourceEntry[] {
  const marks = body.matchAll(/<Source id="([^"]+)"|<(Contested|OriginalFaults)\b/g)
  const ids = [...marks].flatMap(([, id, table]) => {
    if (table === undefined) return [id ?? '']
    return table === 'Contested' ? sourcesOfContested() : sourcesOfFaults()
  })
  return [...new Set(ids)].map(findSource)
}
