import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import { toLabError, type LabError } from '../../protocol/errors.ts'
import { attribute } from './attributes.ts'
import { instruments, type Operation } from './instruments.ts'
import type { Meters } from './meters.ts'
import { endSpan, withSpan } from './spans.ts'

/** One operation of a registry from its begin to its end, while somebody listens. */
export class OperationRecord {
  readonly #meters: Meters | null
  readonly #span: Span | null
  readonly #operation: Operation
  readonly #start = performance.now()

  /** `root`: not part of whatever goes on around it. */
  constructor(
    listeners: { readonly meters: Meters | null; readonly tracer: Tracer | null },
    operation: Operation,
    options: { readonly attributes: Attributes; readonly root?: boolean },
  ) {
    this.#meters = listeners.meters
    this.#operation = operation
    this.#span = listeners.tracer?.startSpan(instruments[operation].name, options) ?? null
  }

  /** What is awaited in it becomes part of it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#span === null ? work() : withSpan(this.#span, work)
  }

  /** What became known only after the begin. */
  describe(attributes: Attributes): void {
    this.#span?.setAttributes(attributes)
  }

  /** Null = well. To be called once. */
  end(error: LabError | null): void {
    this.#meters?.operationDuration.record((performance.now() - this.#start) / 1000, {
      [attribute.operation]: this.#operation,
      ...(error !== null && { [attribute.errorType]: error.code }),
    })
    if (this.#span !== null) endSpan(this.#span, error)
  }

  /** Does the work and settles like it. */
  async settle<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await this.run(work)
      this.end(null)
      return result
    } catch (error) {
      this.end(toLabError(error))
      throw error
    }
  }
}
