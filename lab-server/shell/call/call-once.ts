import type { CallOutcome } from '../../providers/provider-control.ts'

/** A request to one instance. */
export interface Attempt {
  readonly address: string
  readonly outcome: CallOutcome
}

export interface CallMeans {
  /** Whom to ask, other than those that were tried; null when nobody is left. */
  readonly choose: (tried: ReadonlySet<string>) => string | null
  readonly send: (address: string) => Promise<CallOutcome>
}

/** The first attempt, and one more on another instance. */
const mostAttempts = 2

/**
 * One call: what is not answered is sent once more, to another instance. Where nothing was carried
 * out (`stranger`, `gone`, `refused`) that is right for any call; where something may have been
 * (`late`, `broken`), only for a call that may happen twice, as this one may. No attempt at all
 * means that there was nobody to call.
 */
export async function callOnce({ choose, send }: CallMeans): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = []
  const tried = new Set<string>()
  while (attempts.length < mostAttempts) {
    const address = choose(tried)
    if (address === null) break
    const outcome = await send(address)
    attempts.push({ address, outcome })
    if (outcome.kind === 'answered') break
    tried.add(address)
  }
  return attempts
}
