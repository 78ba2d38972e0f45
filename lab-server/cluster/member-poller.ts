import { LabError } from '../../protocol/index.ts'
import type { EtcdMember, MemberAnswer } from '../etcd/etcd-member.ts'
import type { Clock } from './clock.ts'

/** An answer older than this is no answer any more, milliseconds. */
const freshMs = 1600

/**
 * Asks one member and remembers its latest answer. A member that does not answer is a fact, not a
 * failure: then the answer is null.
 */
export class MemberPoller {
  readonly name: string
  readonly #connect: () => EtcdMember
  readonly #clock: Clock
  #connection: EtcdMember | null = null
  #latest: { answer: MemberAnswer; at: number } | null = null
  #refusal: string | null = null
  #asking = 0
  #probing = 0

  constructor(name: string, connect: () => EtcdMember, clock: Clock) {
    this.name = name
    this.#connect = connect
    this.#clock = clock
  }

  /** Questions without an answer yet. */
  get asking(): number {
    return this.#asking
  }

  /** Probes without an answer yet. */
  get probing(): number {
    return this.#probing
  }

  /** The latest answer, if it is fresh and not older than `since` (monotonic). */
  answer(since = -Infinity): MemberAnswer | null {
    if (this.#latest === null) return null
    const { answer, at } = this.#latest
    return at >= since && this.#clock.now() - at <= freshMs ? answer : null
  }

  /** Why the member answered the latest question with a refusal, in etcd's words; else null. */
  get refusal(): string | null {
    return this.#refusal
  }

  async ask(deadlineMs: number): Promise<MemberAnswer | null> {
    const connection = this.#connected()
    this.#asking += 1
    try {
      const answer = await connection.status({ deadlineMs })
      // Of a process that has ended since: its successor has not said this.
      if (connection !== this.#connection) return null
      this.#latest = { answer, at: this.#clock.now() }
      this.#refusal = null
      return answer
    } catch (error) {
      if (connection === this.#connection) this.#refuse(refusalOf(error))
      return null
    } finally {
      this.#asking -= 1
    }
  }

  /** True when a probe write through this member was acknowledged. */
  async probe(deadlineMs: number): Promise<boolean> {
    this.#probing += 1
    try {
      await this.#connected().probeWrite({ deadlineMs })
      return true
    } catch {
      return false
    } finally {
      this.#probing -= 1
    }
  }

  async memberNames(deadlineMs: number): Promise<ReadonlyMap<string, string>> {
    try {
      return await this.#connected().memberNames({ deadlineMs })
    } catch {
      return new Map()
    }
  }

  /** Forgets the member's process: its connection and what it said. */
  disconnect(): void {
    this.#connection?.close()
    this.#connection = null
    this.#latest = null
    this.#refusal = null
  }

  /** What it said before it refused to say anything is no news any more. */
  #refuse(refusal: string | null): void {
    this.#refusal = refusal
    if (refusal !== null) this.#latest = null
  }

  #connected(): EtcdMember {
    this.#connection ??= this.#connect()
    return this.#connection
  }
}

/** Null for whatever is no answer of etcd's: a member that is silent, or just gone. */
function refusalOf(error: unknown): string | null {
  if (!(error instanceof LabError) || error.code !== 'ETCD_REFUSED') return null
  return String(error.details['etcd'] ?? error.message)
}
