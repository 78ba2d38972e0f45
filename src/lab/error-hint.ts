import type { WireError } from '../../protocol/index.ts'
import { countdownWords } from './duration-words.ts'
import type { Words } from './words.ts'

/**
 * What happened and what to do next, in the reader's language. `message` (English, from the
 * server) is there for hints that quote it; milliseconds read as a duration.
 */
export function errorHint(error: WireError, words: Words): string {
  const values: Record<string, string | number> = { message: error.message, ...error.details }
  for (const [name, value] of Object.entries(error.details)) {
    if (name.endsWith('Ms') && typeof value === 'number') {
      values[name.slice(0, -2)] = countdownWords(value, words)
    }
  }
  return words(`errors.${error.code}`, values)
}
