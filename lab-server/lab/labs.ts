import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { LabError, type GoneReason, type LabState } from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../clock.ts'
import { Lab } from './lab.ts'
import type { OpenLabParts } from './lab-parts.ts'
import { bootOf, createToken, digestToken } from './token.ts'

export interface LabsOptions {
  readonly boot: string
  /** Each lab gets a directory of its own in here. */
  readonly runDir: string
  readonly max: number
  readonly idleMs: number
  readonly openParts: OpenLabParts
  readonly clock: Clock
  readonly logger: Logger
  /** A start that takes longer fails, milliseconds. Default 30 s. */
  readonly startMs?: number
}

/** How many labs that are gone are remembered, so that their readers are told why. */
const rememberedLabs = 1000
/** Ending takes a moment; whoever meets a full server because of it asks again after this. */
const endingMs = 2000

/** Every lab of this server, found by its token. */
export class Labs {
  readonly #options: LabsOptions
  /** By the digest of their token, as are those that are gone. */
  readonly #held = new Map<string, Lab>()
  readonly #gone = new Map<string, LabState>()
  #closed = false

  constructor(options: LabsOptions) {
    this.#options = options
  }

  /** Labs that hold processes, also those that start or end. */
  get running(): number {
    return this.#held.size
  }

  get max(): number {
    return this.#options.max
  }

  /** Throws `LAB_LIMIT` with `retryAfterMs` when there is no room, `LAB_ENDED` at shutdown. */
  create(): { readonly token: string; readonly lab: Lab } {
    if (this.#closed) throw new LabError('LAB_ENDED', 'The server is shutting down')
    this.#checkRoom()
    const id = randomBytes(4).toString('hex')
    const token = createToken(this.#options.boot)
    const digest = digestToken(token)
    const lab = new Lab({
      ...this.#options,
      startMs: this.#options.startMs ?? 30_000,
      id,
      dir: path.join(this.#options.runDir, id),
    })
    this.#held.set(digest, lab)
    lab.onState((state) => {
      if (state.phase === 'gone') this.#forget(digest, state)
    })
    this.#options.logger.info('lab created', { lab: id, running: this.running })
    return { token, lab }
  }

  /** The living lab of that token; else what is known of it; else null. */
  find(token: string): Lab | LabState | null {
    const boot = bootOf(token)
    if (boot === null) return null
    if (boot !== this.#options.boot) return goneState('server-restarted')
    const digest = digestToken(token)
    return this.#held.get(digest) ?? this.#gone.get(digest) ?? goneState('unknown')
  }

  /** Ends every lab, all at the same time, and takes no new one. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#held.values()].map((lab) => lab.end('ended')))
  }

  #checkRoom(): void {
    const { max } = this.#options
    if (this.running < max) return
    const retryAfterMs = this.#nextRoomMs()
    const message = `All ${max} labs of this server are in use; one may be free in ${Math.ceil(retryAfterMs / 1000)} s`
    throw new LabError('LAB_LIMIT', message, { details: { max, retryAfterMs } })
  }

  /** When the first lab ends if its reader does nothing more. */
  #nextRoomMs(): number {
    const waits = [...this.#held.values()].map((lab) =>
      lab.state().phase === 'ending' ? endingMs : lab.idleLeftMs(),
    )
    return Math.max(1000, Math.min(...waits))
  }

  #forget(digest: string, state: LabState): void {
    this.#held.delete(digest)
    this.#gone.set(digest, state)
    const oldest = this.#gone.keys().next()
    if (this.#gone.size > rememberedLabs && oldest.done === false) this.#gone.delete(oldest.value)
  }
}

function goneState(reason: GoneReason): LabState {
  return {
    phase: 'gone',
    reason,
    error: null,
    progress: { membersUp: 0, membersTotal: 0, leader: null, elapsedMs: 0 },
    idleEndsInMs: null,
  }
}
