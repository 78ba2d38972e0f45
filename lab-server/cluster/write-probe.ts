import type { Clock } from './clock.ts'
import type { MemberPoller } from './member-poller.ts'
import type { WriteState } from './strip.ts'

/** How long writes may stay unacknowledged before they count as refused, milliseconds. */
const calmPatienceMs = 400
const burstPatienceMs = 100
const calmDeadlineMs = 1000
/** Short: a proposal that a survivor forwards to a dead leader is lost without a word. */
const burstDeadlineMs = 200
const burstCadenceMs = 25
const inFlightPerMember = 10

export interface WriteProbeEvents {
  /** A probe was acknowledged. Monotonic times. */
  readonly onAck: (write: { startedAt: number; at: number }) => void
  readonly onState: (at: number, state: WriteState) => void
}

/**
 * Tries whether writes go through. Calm: one probe at a time, by turns through every running
 * member, so that no silent one hides that the others work. After a fault: through all survivors
 * at once, every 25 ms.
 */
export class WriteProbe {
  readonly #clock: Clock
  readonly #events: WriteProbeEvents
  #on = false
  #next = 0
  #lastBurstAt = -Infinity
  /** Start of the oldest probe since the last acknowledged one; null when none is open. */
  #openSince: number | null = null

  constructor(clock: Clock, events: WriteProbeEvents) {
    this.#clock = clock
    this.#events = events
  }

  get on(): boolean {
    return this.#on
  }

  /** Returns true when that changed something. */
  turn(on: boolean): boolean {
    if (this.#on === on) return false
    this.#on = on
    this.#openSince = null
    if (!on) this.#events.onState(this.#clock.now(), 'idle')
    return true
  }

  calm(running: readonly MemberPoller[]): void {
    if (!this.#on) return
    this.#next += 1
    const next = running[this.#next % Math.max(1, running.length)]
    this.#open()
    if (next !== undefined) void this.#send(next, calmDeadlineMs)
    this.#judge(calmPatienceMs)
  }

  burst(running: readonly MemberPoller[]): void {
    if (!this.#on) return
    const now = this.#clock.now()
    if (now - this.#lastBurstAt >= burstCadenceMs) {
      this.#lastBurstAt = now
      this.#open()
      for (const member of running) {
        if (member.probing < inFlightPerMember) void this.#send(member, burstDeadlineMs)
      }
    }
    this.#judge(burstPatienceMs)
  }

  #open(): void {
    this.#openSince ??= this.#clock.now()
  }

  async #send(member: MemberPoller, deadlineMs: number): Promise<void> {
    const startedAt = this.#clock.now()
    const acknowledged = await member.probe(deadlineMs)
    if (!acknowledged || !this.#on) return
    const at = this.#clock.now()
    this.#openSince = null
    this.#events.onState(at, 'ok')
    this.#events.onAck({ startedAt, at })
  }

  #judge(patienceMs: number): void {
    if (this.#openSince === null || this.#clock.now() - this.#openSince <= patienceMs) return
    this.#events.onState(this.#openSince, 'refused')
  }
}
