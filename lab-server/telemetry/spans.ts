import {
  context,
  ProxyTracerProvider,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api'
import type { LabError } from '../../protocol/errors.ts'
import { attribute } from './attributes.ts'
import { scope } from './scope.ts'

/** Null: nobody listens. */
export function tracerOf(provider: TracerProvider): Tracer | null {
  const { name, version } = scope()
  // Nothing else in the API tells whether anybody has set the global provider.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  if (provider instanceof ProxyTracerProvider)
    return provider.getDelegateTracer(name, version) ?? null
  return provider.getTracer(name, version)
}

/** Ends a span with what became of it. */
export function endSpan(span: Span, error: LabError | null): void {
  if (error !== null) {
    span.setAttribute(attribute.errorType, error.code)
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
  }
  span.end()
}

export function withSpan<T>(span: Span, work: () => Promise<T>): Promise<T> {
  return context.with(trace.setSpan(context.active(), span), work)
}

/**
 * Where a call to etcd belongs: under the span in which it is made. What goes on in the background
 * was begun in a span that may have ended long ago: then it stands alone, with a link to it.
 */
export function placeOfCall(): { readonly parent: Context; readonly links: Link[] } {
  const active = context.active()
  const span = trace.getSpan(active)
  if (span === undefined || !hasEnded(span)) return { parent: active, links: [] }
  return { parent: trace.deleteSpan(active), links: [{ context: span.spanContext() }] }
}

/** A span of another process, or one that the sampler left out, does not record either. */
function hasEnded(span: Span): boolean {
  const { isRemote, traceFlags } = span.spanContext()
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0
  return !span.isRecording() && isSampled && isRemote !== true
}

/** `server.address` and `server.port` of an endpoint; of a Unix socket its path. */
export function serverOf(endpoint: string): Attributes {
  const url = new URL(endpoint)
  if (url.protocol === 'unix:') return { [attribute.serverAddress]: url.pathname }
  return {
    [attribute.serverAddress]: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port !== '' && { [attribute.serverPort]: Number(url.port) }),
  }
}
