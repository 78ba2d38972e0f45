import { LabError } from '../../../protocol/index.ts'
import { encodeInstance } from '../codec.ts'
import { asDraining } from '../draining.ts'
import { aboutInstance } from '../operation-attributes.ts'
import { RegistrationTelemetry } from './registration-telemetry.ts'
import type { Registration, ServiceInstance } from '../registry.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'
import type { RegistrationEvent } from './registration-state.ts'

/** What stands behind a registration. */
interface Registering {
  readonly tell: (event: RegistrationEvent) => void
  readonly lease: () => { readonly id: string; readonly ttlSeconds: number }
  readonly isRegistered: () => boolean
  readonly telemetry: Telemetry
}

/** The handle of one registration, and those who wait for what they wished of it. */
export class KeptRegistration implements Registration {
  readonly key: string
  readonly telemetry: RegistrationTelemetry
  readonly #registering: Registering
  #instance: ServiceInstance
  #ttlSeconds = 0
  #isReleased = false
  /** Nothing of it will touch the key any more. */
  #isOver = false
  #waiting: PromiseWithResolvers<void>[] = []

  constructor(key: string, instance: ServiceInstance, registering: Registering) {
    this.key = key
    this.#instance = instance
    this.#registering = registering
    this.telemetry = new RegistrationTelemetry(registering.telemetry, key)
  }

  get instance(): ServiceInstance {
    return this.#instance
  }

  lease(): { readonly id: string; readonly ttlSeconds: number } {
    return this.#registering.lease()
  }

  state(): 'registered' | 'recovering' | 'released' {
    if (this.#isReleased) return 'released'
    return this.#registering.isRegistered() ? 'registered' : 'recovering'
  }

  /** Another value or TTL for the same key. */
  change(instance: ServiceInstance, ttlSeconds: number): void {
    this.#instance = instance
    this.#ttlSeconds = ttlSeconds
    this.#abandon()
    const wanted = { value: encodeInstance(instance), ttlSeconds }
    this.#registering.tell({ type: 'wish', wanted })
  }

  drain(): Promise<void> {
    const { telemetry } = this.#registering
    return telemetry.operation('drain', aboutInstance, this.#drain, this.instance)
  }

  readonly #drain = async (): Promise<void> => {
    if (this.#isReleased) return
    this.change(asDraining(this.#instance), this.#ttlSeconds)
    await this.settled()
  }

  release(): Promise<void> {
    const { telemetry } = this.#registering
    return telemetry.operation('release', aboutInstance, this.#release, this.instance)
  }

  readonly #release = (): Promise<void> => {
    if (!this.#isReleased) {
      this.#isReleased = true
      this.#abandon()
      this.#registering.tell({ type: 'wish', wanted: null })
    }
    return this.settled()
  }

  /** Once it is released and gone: nothing of it will touch the key any more. */
  async handOver(): Promise<void> {
    await this.settled()
    this.#registering.tell({ type: 'stop' })
  }

  /**
   * Resolves when the present wish has come true. Rejects when a call on the way there failed; the
   * work goes on all the same.
   */
  settled(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    const waiting: PromiseWithResolvers<void> = Promise.withResolvers()
    this.#waiting.push(waiting)
    this.#registering.tell({ type: 'asked' })
    return waiting.promise
  }

  /** The registry is being closed; `end` follows. */
  giveUp(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    const closed = new LabError('CLOSED', `the registry was closed before ${this.key} was in it`)
    this.telemetry.abandoned(closed)
    this.reject(closed)
  }

  /** Null = well. */
  end(error: LabError | null): void {
    this.#isOver = true
    this.#isReleased = true
    if (error === null) this.fulfil()
    else this.reject(error)
  }

  /** Those who wait for the former wish are not served any more. */
  #abandon(): void {
    const changed = new LabError('INTERRUPTED', `${this.key} was changed or released meanwhile`)
    this.telemetry.abandoned(changed)
    this.reject(changed)
  }

  fulfil(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  reject(error: LabError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
