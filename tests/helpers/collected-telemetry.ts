import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'

export interface CollectedPoint {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** Of a histogram: how many were recorded. */
  readonly value: number
}

/** OpenTelemetry's own SDK, with everything that it is told kept in memory. */
export interface CollectedTelemetry {
  readonly meterProvider: MeterProvider
  readonly tracerProvider: BasicTracerProvider
  /** Those that have ended. */
  spans(): readonly ReadableSpan[]
  /** Asks the gauges, and answers every point of every instrument there has been. */
  points(): Promise<readonly CollectedPoint[]>
  /** Asks the gauges, and answers what was recorded or observed since this was called last. */
  news(): Promise<readonly CollectedPoint[]>
  /** Descriptions and units, by the name of the instrument. */
  descriptors(): Promise<
    ReadonlyMap<string, { readonly unit: string; readonly description: string }>
  >
  close(): Promise<void>
}

export function collectTelemetry(): CollectedTelemetry {
  const spanExporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spanExporter)],
  })
  const all = createReader(AggregationTemporality.CUMULATIVE)
  // The other one goes on answering what a gauge said before it was removed.
  const recent = createReader(AggregationTemporality.DELTA)
  const meterProvider = new MeterProvider({ readers: [all, recent] })

  return {
    meterProvider,
    tracerProvider,
    spans: () => spanExporter.getFinishedSpans(),
    points: async () => toPoints(await collect(all)),
    news: async () => toPoints(await collect(recent)),
    async descriptors() {
      return new Map(
        (await collect(all)).map(({ descriptor: { name, unit, description } }) => [
          name,
          { unit, description },
        ]),
      )
    },
    async close() {
      await meterProvider.shutdown()
      await tracerProvider.shutdown()
    },
  }
}

/** One that collects when it is asked to. */
function createReader(temporality: AggregationTemporality): PeriodicExportingMetricReader {
  const exporter = new InMemoryMetricExporter(temporality)
  return new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
}

async function collect(reader: MetricReader): Promise<readonly MetricData[]> {
  const { resourceMetrics, errors } = await reader.collect()
  if (errors.length > 0) throw new AggregateError(errors, 'metrics could not be collected')
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
}

function toPoints(metrics: readonly MetricData[]): CollectedPoint[] {
  return metrics.flatMap(({ descriptor: { name }, dataPoints }) =>
    (dataPoints as readonly DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
      name,
      attributes,
      value: typeof value === 'number' ? value : value.count,
    })),
  )
}
