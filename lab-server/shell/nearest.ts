/** Edits between two words: insertion, deletion, substitution, swap of neighbours. */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i])
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, at(i - 2, j - 2) + 1)
      rows[i]?.push(best)
    }
  }
  return at(a.length, b.length)
}

/** The candidate that was probably meant, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  return allNearest(word, candidates)[0] ?? null
}

/**
 * The same among names of things: one of another number is another thing (`p1` and `p3`), and of
 * two that are as near nobody knows which was meant.
 */
export function nearestName(word: string, names: readonly string[]): string | null {
  const others = new Set(names.filter((name) => !differsInNumber(word, name)))
  const found = allNearest(word, [...others])
  return found.length === 1 ? (found[0] ?? null) : null
}

function differsInNumber(word: string, name: string): boolean {
  const [a, b] = [word.toLowerCase(), name.toLowerCase()]
  return a !== b && a.replace(/\d+/g, '0') === b.replace(/\d+/g, '0')
}

/** The candidates that are as near as any, in their order. */
function allNearest(word: string, candidates: readonly string[]): readonly string[] {
  if (word === '' || word.length > 40) return []
  const lower = word.toLowerCase()
  let best: { candidates: string[]; distance: number } = { candidates: [], distance: Infinity }
  for (const candidate of candidates) {
    const distance = editDistance(lower, candidate.toLowerCase())
    const allowed = Math.max(1, Math.floor(Math.min(word.length, candidate.length) / 3))
    if (distance > allowed || distance > best.distance) continue
    if (distance < best.distance) best = { candidates: [], distance }
    best.candidates.push(candidate)
  }
  if (best.candidates.length > 0) return best.candidates
  const longer = lower.length < 3 ? [] : candidates.filter((one) => one.startsWith(lower))
  return longer.length === 1 ? longer : []
}
