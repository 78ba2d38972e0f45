import { SpanKind, type Span, type Tracer } from '@opentelemetry/api'
import { toLabError, type LabError } from '../../protocol/errors.ts'
import { attribute } from './attributes.ts'
import { grpcStatus } from './grpc-status.ts'
import { instruments } from './instruments.ts'
import type { Meters } from './meters.ts'
import { endSpan, placeOfCall, serverOf, withSpan } from './spans.ts'

/** What is told of a call to etcd. */
export interface CallName {
  /** As in etcd's protocol buffers, for example `KV`. */
  readonly service: string
  /** In lower camel case, for example `leaseGrant`. */
  readonly method: string
  /** A renewal of a lease: there is one every few seconds, and it has no span. */
  readonly streamed?: boolean
}

/** One call to etcd with all its attempts, while somebody listens. */
export class CallRecord {
  readonly #meters: Meters | null
  readonly #span: Span | null
  readonly #name: { readonly [attribute.rpcSystem]: string; readonly [attribute.rpcMethod]: string }
  readonly #start = performance.now()
  #attempts = 0

  constructor(meters: Meters | null, tracer: Tracer | null, call: CallName) {
    this.#meters = meters
    const method = `etcdserverpb.${call.service}/${call.method.charAt(0).toUpperCase()}${call.method.slice(1)}`
    this.#name = { [attribute.rpcSystem]: 'grpc', [attribute.rpcMethod]: method }
    const { parent, links } = placeOfCall()
    const attributes = { ...this.#name, [attribute.dbSystem]: 'etcd' }
    this.#span =
      call.streamed === true || tracer === null
        ? null
        : tracer.startSpan(method, { kind: SpanKind.CLIENT, attributes, links }, parent)
  }

  /** Makes the call and settles like it. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await (this.#span === null ? call() : withSpan(this.#span, call))
      this.#end(null)
      return answer
    } catch (error) {
      this.#end(toLabError(error))
      throw error
    }
  }

  /** A member is asked. */
  attempted(endpoint: string): void {
    this.#attempts += 1
    if (this.#span?.isRecording() !== true) return
    const event = { [attribute.attempt]: this.#attempts, ...serverOf(endpoint) }
    this.#span.addEvent(instruments.attempt.name, event)
  }

  failed(endpoint: string, error: LabError): void {
    if (this.#span?.isRecording() !== true) return
    this.#span.addEvent(instruments.attemptFailed.name, {
      ...serverOf(endpoint),
      [attribute.errorType]: error.code,
      [attribute.rpcStatus]: grpcStatus(error),
    })
  }

  answered(endpoint: string): void {
    if (this.#span?.isRecording() === true) this.#span.setAttributes(serverOf(endpoint))
  }

  #end(error: LabError | null): void {
    this.#meters?.callDuration.record((performance.now() - this.#start) / 1000, {
      ...this.#name,
      ...(error !== null && { [attribute.errorType]: error.code }),
    })
    if (this.#attempts > 1) this.#meters?.failovers.add(this.#attempts - 1, this.#name)
    if (this.#span === null) return
    this.#span.setAttributes({
      [attribute.attempts]: this.#attempts,
      [attribute.rpcStatus]: error === null ? 'OK' : grpcStatus(error),
    })
    endSpan(this.#span, error)
  }
}
