import {
  metrics,
  trace,
  type Attributes,
  type MeterProvider,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { attribute } from './attributes.ts'
import { CallRecord, type CallName } from './call-record.ts'
import type { RegistryFacts } from './gauges.ts'
import type { Operation } from './instruments.ts'
import { Meters } from './meters.ts'
import { OperationRecord } from './operation-record.ts'
import { tracerOf } from './spans.ts'

export type { MeterProvider, TracerProvider } from '@opentelemetry/api'

export interface TelemetryOptions {
  /** Default: the one that is set in the OpenTelemetry API, also when that happens later. */
  readonly meterProvider?: MeterProvider
  /** Likewise. */
  readonly tracerProvider?: TracerProvider
}

/** Why a registration had to be put back. */
export type ReregisterReason = 'lease-lost' | 'key-lost' | 'key-changed'

/**
 * The one way to OpenTelemetry: metrics and spans as `instruments` lists them. While no provider is
 * set, each method returns after looking for one; no attribute is put together and no closure made.
 */
export class Telemetry {
  readonly #options: TelemetryOptions
  #provider: MeterProvider | null = null
  #meters: Meters | null = null
  /** Open registries, with what takes their facts out of the present provider's gauges. */
  readonly #observed = new Map<() => RegistryFacts, (() => void) | undefined>()

  constructor(options: TelemetryOptions = {}) {
    this.#options = options
  }

  /**
   * Does the work as one operation, and settles like it. `describe` is asked for the attributes of the
   * span, with what the work is called with.
   */
  operation<Args extends readonly unknown[], T>(
    operation: Operation,
    describe: (...args: Args) => Attributes,
    work: (...args: Args) => Promise<T>,
    ...args: Args
  ): Promise<T> {
    const meters = this.#findMeters()
    const tracer = this.#findTracer()
    if (meters === null && tracer === null) return work(...args)
    const attributes = tracer === null ? {} : describe(...args)
    const record = new OperationRecord({ meters, tracer }, operation, { attributes })
    return record.settle(() => work(...args))
  }

  /** Null: nobody listens. */
  startCall(call: CallName): CallRecord | null {
    const meters = this.#findMeters()
    const tracer = this.#findTracer()
    return meters === null && tracer === null ? null : new CallRecord(meters, tracer, call)
  }

  /** A registration was lost and has to be put back. Null: nobody listens. */
  startReregistration(key: string, reason: ReregisterReason): OperationRecord | null {
    const meters = this.#findMeters()
    const tracer = this.#findTracer()
    if (meters === null && tracer === null) return null
    const attributes = { [attribute.key]: key, [attribute.reregisterReason]: reason }
    return new OperationRecord({ meters, tracer }, 'reregister', { attributes, root: true })
  }

  /** A registration that was lost stands in etcd again. */
  reregistered(reason: ReregisterReason): void {
    this.#findMeters()?.reregistrations.add(1, { [attribute.reregisterReason]: reason })
  }

  /** etcd no longer has a lease that was in use. */
  leaseLost(): void {
    this.#findMeters()?.leasesLost.add(1)
  }

  /** A watch goes on over another stream; `code` is what ended the one before. */
  watchRestarted(code: string): void {
    this.#findMeters()?.watchRestarts.add(1, { [attribute.errorType]: code })
  }

  relisted(service: string, reason: 'compacted' | 'history-changed'): void {
    this.#findMeters()?.relists.add(1, {
      [attribute.service]: service,
      [attribute.relistReason]: reason,
    })
  }

  /** `count` values were read and could not be decoded. */
  undecodable(service: string, count: number): void {
    if (count > 0) this.#findMeters()?.undecodable.add(count, { [attribute.service]: service })
  }

  /** So many instances of a view began to be held under guard, or ceased to be. */
  guarded(service: string, transition: 'held' | 'released', count: number): void {
    if (count === 0) return
    this.#findMeters()?.guarded.add(count, {
      [attribute.service]: service,
      [attribute.guardTransition]: transition,
    })
  }

  /** True when counting is worth its while. */
  get counts(): boolean {
    return this.#findMeters() !== null
  }

  /** Asks for the facts whenever gauges are collected, until undone. */
  observe(facts: () => RegistryFacts): () => void {
    this.#observed.set(facts, this.#findMeters()?.observe(facts))
    return () => {
      this.#observed.get(facts)?.()
      this.#observed.delete(facts)
    }
  }

  #findMeters(): Meters | null {
    const provider = this.#options.meterProvider ?? metrics.getMeterProvider()
    if (provider !== this.#provider) this.#tell(provider)
    return this.#meters
  }

  #tell(provider: MeterProvider): void {
    this.#provider = provider
    this.#meters = Meters.of(provider)
    for (const [facts, remove] of this.#observed) {
      remove?.()
      this.#observed.set(facts, this.#meters?.observe(facts))
    }
  }

  #findTracer(): Tracer | null {
    return tracerOf(this.#options.tracerProvider ?? trace.getTracerProvider())
  }
}
