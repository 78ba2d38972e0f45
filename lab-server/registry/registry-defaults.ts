/** What holds for a registry that is told nothing else. */
export const registryDefaults = {
  ttlSeconds: 30,
  /** The default TTL: a provider that lives is back by then. */
  guardMs: 30_000,
  staleAfterMs: 5000,
} as const
