import type { Key } from './keys.ts'

/**
 * Keys that were typed while a command ran. They are not shown among its output; the next prompt
 * takes them in their order, Enter too, as a shell reads what its terminal has kept for it.
 */
export interface TypeAhead {
  readonly keys: readonly Key[]
  /** False once pasted text waits that the reader has not seen: no Enter may run it. */
  readonly mayRun: boolean
}

export const nothingAhead: TypeAhead = { keys: [], mayRun: true }

/** Enough for anybody who waits for an answer; more is a key held down. */
const mostKeys = 500

/**
 * One more key. An interrupt discards what was typed before it, as a terminal does
 * (https://man7.org/linux/man-pages/man3/termios.3.html, NOFLSH).
 */
export function typeAhead(ahead: TypeAhead, key: Key): TypeAhead {
  if (key.type === 'interrupt') return { ...ahead, keys: [] }
  if (ahead.keys.length >= mostKeys || (key.type === 'enter' && !ahead.mayRun)) return ahead
  return { keys: [...ahead.keys, key], mayRun: ahead.mayRun && key.type !== 'paste' }
}
