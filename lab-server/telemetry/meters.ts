import {
  createNoopMeter,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type MetricOptions,
} from '@opentelemetry/api'
import { GaugeGroup, type RegistryFacts } from './gauges.ts'
import { instruments, type InstrumentRow } from './instruments.ts'
import { scope } from './scope.ts'

/** Advised by https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/, seconds. */
const durationBoundaries = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

const known = new WeakMap<MeterProvider, Meters | null>()

/** The instruments of one provider, shared by all that tell it something. */
export class Meters {
  readonly operationDuration: Histogram
  readonly callDuration: Histogram
  readonly failovers: Counter
  readonly watchRestarts: Counter
  readonly reregistrations: Counter
  readonly leasesLost: Counter
  readonly relists: Counter
  readonly undecodable: Counter
  readonly guarded: Counter
  readonly #gauges: GaugeGroup

  /** Null: nobody listens. */
  static of(provider: MeterProvider): Meters | null {
    const found = known.get(provider)
    if (found !== undefined) return found
    const { name, version } = scope()
    const meter = provider.getMeter(name, version)
    const meters = meter === createNoopMeter() ? null : new Meters(meter)
    known.set(provider, meters)
    return meters
  }

  private constructor(meter: Meter) {
    const counter = (row: InstrumentRow) => meter.createCounter(row.name, optionsOf(row))
    const histogram = (row: InstrumentRow) =>
      meter.createHistogram(row.name, {
        ...optionsOf(row),
        advice: { explicitBucketBoundaries: durationBoundaries },
      })
    this.operationDuration = histogram(instruments.operationDuration)
    this.callDuration = histogram(instruments.callDuration)
    this.failovers = counter(instruments.failovers)
    this.watchRestarts = counter(instruments.watchRestarts)
    this.reregistrations = counter(instruments.reregistrations)
    this.leasesLost = counter(instruments.leasesLost)
    this.relists = counter(instruments.relists)
    this.undecodable = counter(instruments.undecodable)
    this.guarded = counter(instruments.guarded)
    this.#gauges = new GaugeGroup(meter)
  }

  /** Asks for the facts whenever gauges are collected, until undone. */
  observe(facts: () => RegistryFacts): () => void {
    return this.#gauges.observe(facts)
  }
}

function optionsOf(row: InstrumentRow): MetricOptions {
  return { description: row.description.en, ...(row.unit !== null && { unit: row.unit }) }
}
