import type {
  Bounds,
  Chapter,
  ConsumerStory,
  ConsumerView,
  Interval,
  ProviderLife,
  RunHistory,
} from './history.ts'

/** Longer than a watch stays silent before its member is asked for a sign of life. */
const noticeMs = 6000

/** Every promise that the history breaks, one line each; none when all were kept. */
export function checkHistory(history: RunHistory, end: number, bounds: Bounds): string[] {
  return history.consumers.flatMap((consumer) => [
    ...history.providers.flatMap((life) => [
      ...checkPresence({ consumer, life, history, end, bounds }),
      ...checkAbsence({ consumer, life, history, end, bounds }),
    ]),
    ...checkViews(consumer, history.chapters),
  ])
}

interface LifeCheck {
  readonly consumer: ConsumerStory
  readonly life: ProviderLife
  readonly history: RunHistory
  readonly end: number
  readonly bounds: Bounds
}

/** No living instance is missing for longer than the bound. */
function checkPresence({ consumer, life, history, end, bounds }: LifeCheck): string[] {
  const excused = [...history.outages, ...life.frozen, ...consumer.blind]
  return absences(consumer, life.port, { from: life.from, to: life.to ?? end })
    .map((gap) => ({ gap, took: timeOutside(gap, excused) }))
    .filter(({ took }) => took > bounds.missing)
    .map(
      ({ gap, took }) =>
        `${consumer.name}: ${life.port} lived and was missing for ${Math.round(took)} ms from ${Math.round(gap.from)} on, allowed ${bounds.missing}`,
    )
}

/** No dead instance is served for longer than its TTL and the bound. */
function checkAbsence({ consumer, life, history, end, bounds }: LifeCheck): string[] {
  if (life.to === null) return []
  const next = history.providers
    .filter(({ port, from }) => port === life.port && from > life.from)
    .reduce((first, { from }) => Math.min(first, from), end)
  const after = { from: life.to, to: next }
  const allowed = life.ttlMs + bounds.lingering
  // A new leader starts every lease anew: each outage may add a TTL to its own length.
  const renewed = history.outages.map(({ from, to }) => ({ from, to: to + life.ttlMs }))
  const excused = [...renewed, ...consumer.blind]
  const lastServed = presences(consumer, life.port, after).at(-1)
  if (lastServed === undefined) return []
  const took = timeOutside({ from: life.to, to: lastServed.to }, excused)
  if (took <= allowed) return []
  return [
    `${consumer.name}: ${life.port} was dead and served for ${Math.round(took)} ms, allowed ${allowed}`,
  ]
}

/** A view that claims to be live is what etcd held at the view's revision. */
function checkViews({ name, views }: ConsumerStory, chapters: readonly Chapter[]): string[] {
  return views
    .filter(({ trust }) => trust === 'live')
    .flatMap((view) => {
      const held = chaptersAt(chapters, view.at).map((chapter) => portsAt(chapter, view.revision))
      if (held.some((ports) => ports === null || same(ports, view.ports))) return []
      const texts = held.map((ports) => ports?.join() ?? '').map((text) => text || 'nothing')
      return [
        `${name}: at revision ${view.revision} etcd held ${texts.join(' or ')}, served were ${view.ports.join() || 'nothing'}`,
      ]
    })
}

/** A restored etcd is noticed by each in its own time: around the change either chapter may be meant. */
function chaptersAt(chapters: readonly Chapter[], at: number): readonly Chapter[] {
  return chapters.filter(({ from }, index) => {
    const to = chapters[index + 1]?.from ?? Infinity
    return at >= from - noticeMs && at <= to + noticeMs
  })
}

function portsAt(chapter: Chapter, revision: bigint): readonly number[] | null {
  return chapter.steps.findLast((step) => step.revision <= revision)?.ports ?? null
}

function absences(consumer: ConsumerStory, port: number, within: Interval): Interval[] {
  return stretches(consumer, within, (view) => !view.ports.includes(port))
}

function presences(consumer: ConsumerStory, port: number, within: Interval): Interval[] {
  return stretches(consumer, within, (view) => view.ports.includes(port))
}

/** The longest stretches within the interval in which every view has the property. */
function stretches(
  { views }: ConsumerStory,
  within: Interval,
  has: (view: ConsumerView) => boolean,
): Interval[] {
  const found: { from: number; to: number }[] = []
  let open = false
  for (const [index, view] of views.entries()) {
    const from = Math.max(view.at, within.from)
    const to = Math.min(views[index + 1]?.at ?? within.to, within.to)
    if (from >= to) continue
    const last = found.at(-1)
    if (has(view) && open && last) last.to = to
    else if (has(view)) found.push({ from, to })
    open = has(view)
  }
  return found
}

/** How much of the interval lies in none of the others. */
function timeOutside(interval: Interval, excused: readonly Interval[]): number {
  let outside = 0
  let at = interval.from
  for (const { from, to } of excused.toSorted((a, b) => a.from - b.from)) {
    if (to <= at) continue
    outside += Math.max(0, Math.min(from, interval.to) - at)
    at = Math.max(at, to)
    if (at >= interval.to) return outside
  }
  return outside + interval.to - at
}

function same(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((port, index) => port === other[index])
}
