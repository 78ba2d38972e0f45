import type { Words } from './words.ts'

/** `312 ms`, `1.24 s`, `3 min`: as exact as is useful. */
export function durationWords(ms: number, words: Words): string {
  if (ms < 1000) return words('lab.unit.ms', { n: Math.round(ms) })
  if (ms < 60_000) return words('lab.unit.s', { n: trim(ms / 1000, ms < 10_000 ? 2 : 1) })
  return words('lab.unit.min', { n: Math.round(ms / 60_000) })
}

/** `48 s`, `12 min`: what is left of a countdown. */
export function countdownWords(ms: number, words: Words): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return seconds < 120
    ? words('lab.unit.s', { n: seconds })
    : words('lab.unit.min', { n: Math.ceil(seconds / 60) })
}

/** `20 KiB`, `1.5 MiB`. */
export function sizeWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 ** 2) return `${trim(bytes / 1024, 0)} KiB`
  return `${trim(bytes / 1024 ** 2, 1)} MiB`
}

function trim(value: number, digits: number): string {
  return value.toFixed(digits)
}
