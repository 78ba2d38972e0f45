import type { IAuthenticateResponse } from 'etcd3/lib/rpc.js'
import { LabError, toLabError } from '../../protocol/index.ts'
import { etcdText } from './etcd-errors.ts'
import type { CallPlan } from './failover-call.ts'

/** A user of etcd's own (`etcdctl user add`). */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A wrong password is not asked about again so soon: checking one costs a member much (bcrypt). */
const refusedForMs = 1000
/** A token that was given out so lately is not the reason for anything, milliseconds. */
const youngMs = 2000

/**
 * One user's token, shared by all connections of a client. How long a token lives is the cluster's
 * secret (`--auth-token-ttl`; with the default kind of token use prolongs it, but only on the member
 * that was used; with JWT any change of users and roles ends it), so it is used until a member
 * refuses it: https://github.com/etcd-io/etcd/issues/8287
 */
export class AuthSession {
  readonly #credentials: Credentials
  readonly #ask: (plan: CallPlan) => Promise<IAuthenticateResponse>
  #token: string | null = null
  #acceptedAt = -Infinity
  #generation = 0
  #renewal: Promise<void> | null = null
  #refusal: { readonly error: LabError; readonly until: number } | null = null

  constructor(credentials: Credentials, ask: (plan: CallPlan) => Promise<IAuthenticateResponse>) {
    this.#credentials = credentials
    this.#ask = ask
  }

  /** Null before the first renewal, and while authentication is not enabled. */
  get token(): string | null {
    return this.#token
  }

  /** Grows with every renewal; 0 = etcd has not been asked yet. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Resolves when there is a newer token than that of `generation` (none, where authentication is
   * not enabled). Callers that come while etcd is being asked share the answer. Rejects
   * `ETCD_REFUSED` for a wrong password, else as every call does.
   */
  renew(generation: number): Promise<void> {
    if (this.#generation > generation) return Promise.resolve()
    if (this.#refusal !== null && performance.now() < this.#refusal.until) {
      return Promise.reject(this.#refusal.error)
    }
    this.#renewal ??= this.#authenticate().finally(() => {
      this.#renewal = null
    })
    return this.#renewal
  }

  /**
   * Replaces a token that members may be holding back, unless it is so new that it cannot be the
   * reason. Resolves with whether there is another now.
   */
  async replaceHeldBack(): Promise<boolean> {
    if (this.#token === null || performance.now() - this.#acceptedAt < youngMs) return false
    await this.renew(this.#generation)
    return true
  }

  async #authenticate(): Promise<void> {
    const { username, password } = this.#credentials
    try {
      const answer = await this.#ask({
        service: 'Auth',
        method: 'authenticate',
        request: { name: username, password },
        needsLeader: true,
      })
      this.#accept(answer.token)
    } catch (error) {
      const trouble = toLabError(error)
      if (etcdText(trouble).includes('authentication is not enabled')) this.#accept(null)
      else throw this.#refuse(trouble)
    }
  }

  #accept(token: string | null): void {
    this.#token = token
    this.#acceptedAt = performance.now()
    this.#generation += 1
    this.#refusal = null
  }

  #refuse(trouble: LabError): LabError {
    if (trouble.code !== 'ETCD_REFUSED') return trouble
    const { username } = this.#credentials
    const error = new LabError(trouble.code, `as ${username}: ${trouble.message}`, {
      cause: trouble,
      details: { ...trouble.details, username },
    })
    this.#refusal = { error, until: performance.now() + refusedForMs }
    return error
  }
}
