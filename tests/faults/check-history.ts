import type {
  Bounds,
  Chapter,
  ConsumerStory,
  ConsumerView,
  Interval,
  ListenerStory,
  ProviderLife,
  RunHistory,
  Told,
  Trial,
} from './history.ts'

/** Longer than a watch stays silent before its member is asked for a sign of life. */
const noticeMs = 6000

/** Every promise that the history breaks, one line each; none when all were kept. */
export function checkHistory(history: RunHistory, end: number): string[] {
  const ofConsumers = history.consumers.flatMap((consumer) => [
    ...history.providers.flatMap((life) => [
      ...checkPresence({ consumer, life, history, end }),
      ...checkAbsence({ consumer, life, history, end }),
    ]),
    ...checkStrangers(consumer, history, end),
    ...checkViews(consumer, history.chapters),
  ])
  return [
    ...ofConsumers,
    ...history.listeners.flatMap(checkTold),
    ...history.trials.flatMap(checkSettled),
  ]
}

/** The longest that a living instance was missing in each trial, milliseconds. */
export function worstMissing(history: RunHistory, end: number): ReadonlyMap<Trial, number> {
  const worst = new Map(history.trials.map((trial) => [trial, 0]))
  for (const consumer of history.consumers)
    for (const life of history.providers)
      for (const { trial, took } of gaps({ consumer, life, history, end }))
        worst.set(trial, Math.max(worst.get(trial) ?? 0, took))
  return worst
}

interface LifeCheck {
  readonly consumer: ConsumerStory
  readonly life: ProviderLife
  readonly history: RunHistory
  readonly end: number
}

/** No living instance is missing for longer than the bound. */
function checkPresence(check: LifeCheck): string[] {
  return gaps(check)
    .filter(({ trial, took }) => took > ms(trial.bounds.missing))
    .map(
      ({ trial, gap, took }) =>
        `${check.consumer.name}: ${check.life.port} lived and was missing for ${Math.round(took)} ms from ${Math.round(gap.from)} on, allowed ${ms(trial.bounds.missing)}${during(trial)}`,
    )
}

function gaps({ consumer, life, history, end }: LifeCheck) {
  const excused = [...history.outages, ...life.frozen, ...consumer.blind]
  return absences(consumer, life.port, { from: life.from, to: life.to ?? end }).map((gap) => ({
    gap,
    took: timeOutside(gap, excused),
    trial: trialAt(history.trials, gap.from),
  }))
}

/** No dead instance is served for longer than the bound. */
function checkAbsence({ consumer, life, history, end }: LifeCheck): string[] {
  if (life.to === null) return []
  const next = history.providers
    .filter(({ port, from }) => port === life.port && from > life.from)
    .reduce((first, { from }) => Math.min(first, from), end)
  const trial = trialAt(history.trials, life.to)
  const allowed = ms(trial.bounds.consumer)
  // A new leader starts every lease anew: each outage may add a TTL to its own length.
  const renewed = history.outages.map(({ from, to }) => ({ from, to: to + life.ttlMs }))
  const lastServed = presences(consumer, life.port, { from: life.to, to: next }).at(-1)
  if (lastServed === undefined) return []
  const took = timeOutside({ from: life.to, to: lastServed.to }, [...renewed, ...consumer.blind])
  if (took <= allowed) return []
  return [
    `${consumer.name}: ${life.port} was dead and served for ${Math.round(took)} ms, allowed ${allowed}${during(trial)}`,
  ]
}

/** Nobody is served who has never registered, but for the time that it takes to mend a false value. */
function checkStrangers(consumer: ConsumerStory, history: RunHistory, end: number): string[] {
  const known = new Set(history.providers.map(({ port }) => port))
  const served = new Set(consumer.views.flatMap(({ ports }) => ports))
  return [...served]
    .filter((port) => !known.has(port))
    .filter((port) =>
      presences(consumer, port, { from: 0, to: end }).some(
        ({ from, to }) => to - from > ms(trialAt(history.trials, from).bounds.provider),
      ),
    )
    .map((port) => `${consumer.name}: ${port} was served and has never registered`)
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

const mayFollow: Record<Exclude<Told['type'], 'relisted'>, readonly string[]> = {
  added: ['nothing', 'unreadable'],
  updated: ['instance'],
  removed: ['instance', 'unreadable'],
  undecodable: ['nothing', 'instance', 'unreadable'],
}

/** Nothing is told twice, of nobody, or out of order; after a new list the revisions begin anew. */
function checkTold({ name, told }: ListenerStory): string[] {
  const broken: string[] = []
  /** What is known of a key: an instance, or a value that nobody can read. */
  const known = new Map<string, 'instance' | 'unreadable'>()
  let last = 0n
  let listedAt = 0n
  for (const { type, what, revision } of told) {
    const line = `${name}: told ${type} ${what} at revision ${revision}`
    if (type === 'relisted') {
      last = 0n
      listedAt = revision
      continue
    }
    const before = known.get(what) ?? 'nothing'
    // What a new list differs in comes in the order of the list.
    if (revision > listedAt && revision < last) broken.push(`${line}, after ${last}`)
    if (!mayFollow[type].includes(before)) broken.push(`${line}, where there was ${before}`)
    last = revision
    if (type === 'removed') known.delete(what)
    else known.set(what, type === 'undecodable' ? 'unreadable' : 'instance')
  }
  return broken
}

/** All was well again within the bounds. */
function checkSettled({ name, bounds, settled }: Trial): string[] {
  if (!settled) return []
  return (['consumer', 'provider'] as const)
    .filter((who) => settled[who] > ms(bounds[who]))
    .map(
      (who) =>
        `${name}: every ${who} was well after ${Math.round(settled[who])} ms, allowed ${ms(bounds[who])}`,
    )
}

function trialAt(trials: readonly Trial[], at: number): Trial {
  const trial = trials.findLast(({ from }) => from <= at) ?? trials[0]
  if (!trial) throw new Error('a history needs a trial: there are no bounds without one')
  return trial
}

const ms = (seconds: Bounds[keyof Bounds]): number => seconds * 1000

function during({ name }: Trial): string {
  return ` (${name})`
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
