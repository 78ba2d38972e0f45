import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const folder = new URL('../../.cache/', import.meta.url)
const file = new URL('fault-turn', folder)

/**
 * Of three runs one after the other each gets another of 0, 1 and 2: the last is kept in .cache/. The
 * kinds of faults that take long are shared out by it. FAULTS_TURN sets it.
 */
export function nextTurn(): number {
  const set = process.env['FAULTS_TURN']
  if (set !== undefined) return Number(set) % 3
  const turn = (lastTurn() + 1) % 3
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${turn}\n`)
  return turn
}

function lastTurn(): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    // The first run in this tree.
    return -1
  }
}
