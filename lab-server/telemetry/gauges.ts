import type { BatchObservableResult, Meter, Observable, ObservableGauge } from '@opentelemetry/api'
import { attribute } from './attributes.ts'
import { instruments, type InstrumentRow } from './instruments.ts'

/** What one registry is at this moment. */
export interface RegistryFacts {
  /** Those not released. `leaseId` is decimal; "0" = none yet. */
  readonly registrations: readonly {
    readonly state: 'registered' | 'recovering'
    readonly leaseId: string
  }[]
  readonly views: readonly ViewFacts[]
}

export interface ViewFacts {
  readonly service: string
  readonly trust: 'live' | 'stale' | 'guarded'
  /** Null: etcd has confirmed nothing in this process. */
  readonly ageMs: number | null
  readonly revision: bigint
}

/**
 * The gauges of one meter. Several registries of a process are told as one: counts add up, of the views
 * of one service the oldest counts. Nothing is registered while no registry is open.
 */
export class GaugeGroup {
  readonly #meter: Meter
  readonly #sources = new Set<() => RegistryFacts>()
  #remove: (() => void) | null = null

  constructor(meter: Meter) {
    this.#meter = meter
  }

  observe(facts: () => RegistryFacts): () => void {
    this.#sources.add(facts)
    this.#remove ??= this.#register()
    return () => {
      this.#sources.delete(facts)
      if (this.#sources.size > 0) return
      this.#remove?.()
      this.#remove = null
    }
  }

  #register(): () => void {
    const gauges = createGauges(this.#meter)
    const all: Observable[] = Object.values(gauges)
    const collect = (result: BatchObservableResult): void => {
      const facts = [...this.#sources].map((source) => source())
      observeRegistrations(
        result,
        gauges,
        facts.flatMap(({ registrations }) => registrations),
      )
      observeViews(
        result,
        gauges,
        facts.flatMap(({ views }) => views),
      )
    }
    this.#meter.addBatchObservableCallback(collect, all)
    return () => this.#meter.removeBatchObservableCallback(collect, all)
  }
}

type Gauges = ReturnType<typeof createGauges>

function createGauges(meter: Meter) {
  const gauge = ({ name, unit, description }: InstrumentRow): ObservableGauge =>
    meter.createObservableGauge(name, {
      description: description.en,
      ...(unit !== null && { unit }),
    })
  return {
    registrations: gauge(instruments.registrations),
    leases: gauge(instruments.leases),
    leaseKeys: gauge(instruments.leaseKeys),
    views: gauge(instruments.views),
    viewAge: gauge(instruments.viewAge),
    viewRevision: gauge(instruments.viewRevision),
  }
}

function observeRegistrations(
  result: BatchObservableResult,
  gauges: Gauges,
  registrations: RegistryFacts['registrations'],
): void {
  for (const state of ['registered', 'recovering'] as const) {
    const count = registrations.filter((each) => each.state === state).length
    result.observe(gauges.registrations, count, { [attribute.registrationState]: state })
  }
  const leases = groupBy(
    registrations.filter(({ leaseId }) => leaseId !== '0'),
    ({ leaseId }) => leaseId,
  )
  result.observe(gauges.leases, leases.size)
  const most = Math.max(0, ...[...leases.values()].map((keys) => keys.length))
  result.observe(gauges.leaseKeys, most)
}

function observeViews(
  result: BatchObservableResult,
  gauges: Gauges,
  views: readonly ViewFacts[],
): void {
  for (const trust of ['live', 'stale', 'guarded'] as const) {
    const count = views.filter((view) => view.trust === trust).length
    result.observe(gauges.views, count, { [attribute.viewTrust]: trust })
  }
  for (const [service, ofService] of groupBy(views, (view) => view.service)) {
    const of = { [attribute.service]: service }
    const ages = ofService.map(({ ageMs }) => ageMs).filter((age) => age !== null)
    if (ages.length > 0) result.observe(gauges.viewAge, Math.max(...ages) / 1000, of)
    const revisions = ofService.map(({ revision }) => Number(revision))
    result.observe(gauges.viewRevision, Math.min(...revisions), of)
  }
}

/** Node 20 has no Map.groupBy. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
