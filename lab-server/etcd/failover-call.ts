import type { Services } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import type { CallRecord } from '../telemetry/call-record.ts'
import { interruption, remainingMs, type CallLimits } from './call-limits.ts'
import type { UnaryCall } from './connection.ts'
import { fromGrpcError, isRecoverable } from './etcd-errors.ts'
import type { Scout } from './scout.ts'

/** One question to the cluster, whichever member answers it. */
export interface CallPlan {
  readonly service: keyof typeof Services
  readonly method: string
  readonly request: object
  /** False when a member can answer from its own data. */
  readonly needsLeader: boolean
  /** True when etcd offers it only as a stream: one message is sent, one is awaited. */
  readonly streamed?: boolean
}

interface Attempt<T> {
  readonly index: number
  readonly url: string
  readonly epoch: number
  readonly since: number
  readonly call: UnaryCall<T>
}

const mostAttemptsAtOnce = 3
/** Between attempts that nothing speaks for: the way out of whatever the scout cannot see. */
const blindRetryMs = 1000
const shortestBackoffMs = 20
const longestBackoffMs = 400

/**
 * One call, made as often as it takes: at first on the member that answered last; when that fails
 * or takes suspiciously long, the scout is asked who is well, and the call is made anew as soon as
 * no attempt under way can be hoped for and a sound member exists. That moment is, after the death
 * of a leader, the moment the next one is known.
 */
export class FailoverCall<T> {
  readonly #scout: Scout
  readonly #plan: CallPlan
  readonly #limits: CallLimits
  readonly #record: CallRecord | null
  readonly #attempts = new Set<Attempt<T>>()
  readonly #outcome = Promise.withResolvers<T>()
  #started = 0
  #failures = 0
  #lastIndex = 0
  #lastEpoch = 0
  #lastError: LabError | null = null
  #settled = false
  #deadline: NodeJS.Timeout | null = null
  #patience: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  #blind: NodeJS.Timeout | null = null
  #unfollow: (() => void) | null = null

  /** `record`: told of every attempt; null = nobody wants to know. */
  constructor(scout: Scout, plan: CallPlan, limits: CallLimits, record: CallRecord | null) {
    this.#scout = scout
    this.#plan = plan
    this.#limits = limits
    this.#record = record
  }

  /** To be called once. */
  run(): Promise<T> {
    for (const signal of this.#limits.signals) {
      if (signal.aborted) this.#interrupt(signal)
      else signal.addEventListener('abort', this.#onAbort)
    }
    if (!this.#settled) this.#begin()
    return this.#outcome.promise
  }

  #begin(): void {
    this.#deadline = setTimeout(() => this.#giveUp(), remainingMs(this.#limits))
    const knownTrouble = this.#scout.isLooking
    const first = knownTrouble ? this.#scout.best(this.#plan.needsLeader) : null
    this.#launch(first ?? this.#scout.preferred)
    if (this.#settled) return
    if (knownTrouble) this.#follow()
    else {
      const patience = this.#scout.patience.of(this.#plan.method)
      this.#patience = setTimeout(() => this.#follow(), patience)
    }
  }

  #launch(index: number): void {
    const connection = this.#scout.connections[index]
    if (connection === undefined || !this.#makeRoom()) return
    const { service, method, request, streamed } = this.#plan
    const remaining = Math.max(1, remainingMs(this.#limits))
    const call =
      streamed === true
        ? connection.once<T>(service, method, request, remaining)
        : connection.unary<T>(service, method, request, remaining)
    const { url } = connection
    const attempt = { index, url, epoch: this.#scout.epoch, since: performance.now(), call }
    this.#attempts.add(attempt)
    this.#started += 1
    this.#lastIndex = index
    this.#lastEpoch = attempt.epoch
    this.#record?.attempted(url)
    call.answer.then(
      (answer) => this.#onAnswer(attempt, answer),
      (error: unknown) => this.#onFailure(attempt, error),
    )
  }

  /** False when all attempts under way can still be hoped for. */
  #makeRoom(): boolean {
    if (this.#attempts.size < mostAttemptsAtOnce) return true
    for (const attempt of this.#attempts) {
      if (this.#isHopeful(attempt)) continue
      this.#attempts.delete(attempt)
      attempt.call.cancel()
      return true
    }
    return false
  }

  #onAnswer(attempt: Attempt<T>, answer: T): void {
    if (this.#settled) return
    this.#scout.noteAnswer(attempt.index)
    this.#record?.answered(attempt.url)
    // What waited for an election says nothing of how long an answer usually takes.
    if (attempt.epoch === this.#scout.epoch) {
      this.#scout.patience.learn(this.#plan.method, performance.now() - attempt.since)
    }
    this.#settle(() => this.#outcome.resolve(answer))
  }

  #onFailure(attempt: Attempt<T>, thrown: unknown): void {
    if (this.#settled || !this.#attempts.delete(attempt)) return
    const error = fromGrpcError(thrown, this.#plan.method)
    this.#record?.failed(attempt.url, error)
    if (!isRecoverable(error)) {
      // A refusal is an answer too.
      this.#record?.answered(attempt.url)
      this.#reject(withAttempts(error, this.#started))
      return
    }
    this.#lastError = error
    this.#failures += 1
    this.#follow()
    this.#scheduleRetry()
  }

  #follow(): void {
    if (this.#unfollow !== null || this.#settled) return
    this.#unfollow = this.#scout.follow(() => this.#reconsider())
    this.#scheduleBlindRetry()
  }

  #reconsider(): void {
    if (this.#settled || this.#hasHope()) return
    // A pause before the next attempt ends early for a new leader, and for nothing else.
    if (this.#retry !== null && this.#lastEpoch === this.#scout.epoch) return
    const best = this.#scout.best(this.#plan.needsLeader)
    if (best !== null) this.#launch(best)
  }

  /** At once after the first failure; then with pauses that grow, since members fail fast. */
  #scheduleRetry(): void {
    if (this.#retry !== null) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      if (!this.#hasHope()) this.#launchSomewhere()
    }, backoff(this.#failures))
  }

  #scheduleBlindRetry(): void {
    this.#blind = setTimeout(
      () => {
        if (this.#attempts.size < 2 || !this.#hasHope()) this.#launchSomewhere()
        this.#scheduleBlindRetry()
      },
      blindRetryMs * (0.8 + 0.4 * Math.random()),
    )
  }

  #launchSomewhere(): void {
    const index = this.#hasHope() ? this.#nextIndex() : this.#scout.best(this.#plan.needsLeader)
    const chosen = index ?? this.#nextIndex()
    if (chosen !== null) this.#launch(chosen)
  }

  /** The next member in turn that is not known to be silent and not being asked already. */
  #nextIndex(): number | null {
    const count = this.#scout.connections.length
    const busy = new Set([...this.#attempts].map((attempt) => attempt.index))
    for (let step = 1; step <= count; step += 1) {
      const index = (this.#lastIndex + step) % count
      if (!this.#scout.isSilent(index) && !busy.has(index)) return index
    }
    return null
  }

  #hasHope(): boolean {
    return [...this.#attempts].some((attempt) => this.#isHopeful(attempt))
  }

  #isHopeful(attempt: Attempt<T>): boolean {
    return (
      attempt.epoch === this.#scout.epoch &&
      this.#scout.isSound(attempt.index, this.#plan.needsLeader)
    )
  }

  readonly #onAbort = (event: Event): void => {
    if (event.target instanceof AbortSignal) this.#interrupt(event.target)
  }

  #interrupt(signal: AbortSignal): void {
    this.#reject(interruption(signal, this.#plan.method))
  }

  #giveUp(): void {
    this.#reject(this.#scout.verdict(this.#plan.method, this.#lastError))
  }

  #reject(error: LabError): void {
    this.#settle(() => this.#outcome.reject(error))
  }

  #settle(deliver: () => void): void {
    if (this.#settled) return
    this.#settled = true
    for (const timer of [this.#deadline, this.#patience, this.#retry, this.#blind]) {
      if (timer !== null) clearTimeout(timer)
    }
    for (const signal of this.#limits.signals) signal.removeEventListener('abort', this.#onAbort)
    this.#unfollow?.()
    for (const attempt of this.#attempts) attempt.call.cancel()
    this.#attempts.clear()
    deliver()
  }
}

function backoff(failures: number): number {
  if (failures <= 1) return 0
  const ceiling = Math.min(shortestBackoffMs * 2 ** (failures - 2), longestBackoffMs)
  return ceiling * (0.5 + Math.random() / 2)
}

/** A refusal after more than one attempt may only say that an earlier one was executed. */
function withAttempts(error: LabError, attempts: number): LabError {
  return new LabError(error.code, error.message, {
    cause: error.cause,
    details: { ...error.details, attempts },
  })
}
