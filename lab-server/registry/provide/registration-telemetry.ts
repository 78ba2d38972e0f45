import type { LabError } from '../../../protocol/index.ts'
import { attribute } from '../../telemetry/attributes.ts'
import type { OperationRecord } from '../../telemetry/operation-record.ts'
import type { ReregisterReason, Telemetry } from '../../telemetry/telemetry.ts'

/** What one registration tells of losing its place in etcd and of coming back. */
export class RegistrationTelemetry {
  readonly #telemetry: Telemetry
  readonly #key: string
  #lost: { readonly reason: ReregisterReason; readonly record: OperationRecord | null } | null =
    null

  constructor(telemetry: Telemetry, key: string) {
    this.#telemetry = telemetry
    this.#key = key
  }

  /**
   * What is wanted does not stand in etcd any more. Said again before it is back, it is the same loss;
   * but a key that goes with its lease is missed first, and the lease is the reason.
   */
  lost(reason: ReregisterReason): void {
    if (this.#lost === null) {
      this.#lost = { reason, record: this.#telemetry.startReregistration(this.#key, reason) }
    } else if (reason === 'lease-lost') {
      this.#lost = { reason, record: this.#lost.record }
      this.#lost.record?.describe({ [attribute.reregisterReason]: reason })
    }
  }

  /** A step on the way back: its calls to etcd become part of the span. */
  within<T>(step: () => Promise<T>): Promise<T> {
    const record = this.#lost?.record ?? null
    return record === null ? step() : record.run(step)
  }

  /** It stands in etcd as it is wanted. Nothing, unless it had been lost. */
  restored(): void {
    if (this.#lost === null) return
    this.#telemetry.reregistered(this.#lost.reason)
    this.#end(null)
  }

  /** It is not wanted any more, or not in this way. Nothing, unless it had been lost. */
  abandoned(because: LabError): void {
    this.#end(because)
  }

  #end(error: LabError | null): void {
    this.#lost?.record?.end(error)
    this.#lost = null
  }
}
