/**
 * The faults of the original registry, numbered as on the page about them. `seen` says how each
 * was found: by `running` the original against a real etcd, or by `reading` its code. What a reader
 * is told of them is in the messages of the shell and on the page.
 */
export const naiveFaults = [
  { number: 1, name: 'clears-wrong-key', seen: 'running' },
  { number: 2, name: 'watches-known-keys-only', seen: 'running' },
  { number: 3, name: 'caches-empty-list', seen: 'running' },
  { number: 4, name: 'ignores-puts', seen: 'running' },
  { number: 5, name: 'watch-without-revision', seen: 'reading' },
  { number: 6, name: 'watch-dies-silently', seen: 'reading' },
  { number: 7, name: 'watches-pile-up', seen: 'reading' },
  { number: 8, name: 'heartbeat-rewrites', seen: 'running' },
  { number: 9, name: 'never-revokes', seen: 'running' },
  { number: 10, name: 'skips-expired-key', seen: 'running' },
  { number: 11, name: 'trusts-read-back', seen: 'running' },
  { number: 12, name: 'one-throw-stops-all', seen: 'running' },
  { number: 13, name: 'heartbeat-races-deregister', seen: 'reading' },
  { number: 14, name: 'no-deadline', seen: 'running' },
  { number: 15, name: 'no-single-flight', seen: 'running' },
  { number: 16, name: 'undecodable-throws', seen: 'running' },
  { number: 17, name: 'one-endpoint', seen: 'running' },
  { number: 18, name: 'global-scheduler', seen: 'running' },
  { number: 19, name: 'aligned-ticks', seen: 'running' },
  { number: 20, name: 'no-validation', seen: 'running' },
] as const

export type NaiveFault = (typeof naiveFaults)[number]['name']

export const allNaiveFaults: ReadonlySet<NaiveFault> = new Set(naiveFaults.map(({ name }) => name))
