import { LabError } from '../../protocol/index.ts'
import type { AuthSession } from './auth-session.ts'
import { refusesAccess, refusesToken } from './etcd-errors.ts'

/** Each change of users and roles may end a token once more; more than that is no coincidence. */
const mostRenewals = 3

/**
 * Makes a call with the session's token, and again with a new one when etcd refuses it: expired,
 * unknown to a member, outdated by a change of users and roles, or missing because authentication
 * was enabled meanwhile. A refused call was not executed. `renew` is how the caller waits for
 * `session.renew`.
 */
export async function callWithToken<T>(
  session: AuthSession,
  call: () => Promise<T>,
  renew: (generation: number) => Promise<void>,
): Promise<T> {
  if (session.generation === 0) await renew(0)
  let doubtful = 0
  for (let renewals = 0; ; renewals += 1) {
    const { generation, token } = session
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof LabError)) throw error
      if (renewals === mostRenewals || !asksForToken(error, token))
        throw withAttempts(error, doubtful)
      // All but the attempt that was refused may have been executed.
      doubtful += Number(error.details['attempts'] ?? 1) - 1
      await renew(generation)
    }
  }
}

/**
 * A member that asks clients for certificates takes whoever sends no token for the user whom the
 * certificate names, so that any refusal may be his alone:
 * https://etcd.io/docs/v3.5/op-guide/authentication/rbac/#using-tls-common-name
 */
function asksForToken(error: LabError, sent: string | null): boolean {
  return sent === null ? refusesAccess(error) : refusesToken(error)
}

/** Attempts before a renewal count like those after it: see `wasDoneByEarlierAttempt`. */
function withAttempts(error: LabError, earlier: number): LabError {
  const attempts = error.details['attempts']
  if (earlier === 0 || attempts === undefined) return error
  return new LabError(error.code, error.message, {
    cause: error.cause,
    details: { ...error.details, attempts: Number(attempts) + earlier },
  })
}
