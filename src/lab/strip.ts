import type { ClusterSnapshot } from '../../protocol/index.ts'
import { textWidth } from './cell-width.ts'
import { element, svg } from './dom.ts'
import { durationWords } from './duration-words.ts'
import {
  measuredGaps,
  placeGapLabels,
  stripMs,
  stripScale,
  type Bar,
  type Gap,
} from './strip-layout.ts'
import type { Words } from './words.ts'

/** Pixels. */
const laneHeight = 15
const laneGap = 4
const top = 22
const axisHeight = 18

/**
 * The last minute, time running right: who led, whether writes were taken, what each member's
 * process did. A measured gap has a bracket with its milliseconds.
 */
export class Strip {
  readonly element: HTMLElement
  readonly #words: Words
  readonly #drawing = svg('svg', { class: 'ming-strip-drawing', 'aria-hidden': 'true' })
  readonly #text = element('ul', { class: 'ming-strip-text' })
  readonly #sizes: ResizeObserver
  #snapshot: ClusterSnapshot | null = null

  constructor(words: Words) {
    this.#words = words
    this.element = element(
      'figure',
      { class: 'ming-strip' },
      element('figcaption', {}, words('lab.strip.title')),
      element('details', {}, element('summary', {}, words('lab.strip.asText')), this.#text),
      this.#drawing,
    )
    this.#sizes = new ResizeObserver(() => this.#draw())
    this.#sizes.observe(this.element)
  }

  show(snapshot: ClusterSnapshot): void {
    this.#snapshot = snapshot
    this.#draw()
    this.#tell(snapshot)
  }

  close(): void {
    this.#sizes.disconnect()
  }

  #draw(): void {
    const snapshot = this.#snapshot
    const full = Math.floor(this.element.clientWidth)
    if (!snapshot || full < 120) return
    const names = snapshot.members.map((member) => member.name)
    const labels = full < 440 ? 52 : 72
    const width = full - labels - 2
    const lanes = names.length + 2
    const height = top + lanes * (laneHeight + laneGap) + axisHeight
    this.#drawing.setAttribute('viewBox', `0 0 ${full} ${height}`)
    this.#drawing.setAttribute('width', String(full))
    this.#drawing.setAttribute('height', String(height))
    const lane = (index: number) => top + index * (laneHeight + laneGap)
    const plot = svg('g', { transform: `translate(${labels} 0)` })
    plot.append(
      ...this.#axis(width, height),
      ...this.#leaderLane(snapshot, width, lane(0)),
      ...this.#writeLane(snapshot, width, lane(1)),
      ...names.flatMap((name, at) => this.#memberLane(snapshot, name, width, lane(at + 2))),
      ...this.#brackets(measuredGaps(snapshot, width), width),
    )
    const words = this.#words
    const titles = [words('lab.strip.leader'), words('lab.strip.writes'), ...names]
    this.#drawing.replaceChildren(
      ...titles.map((title, at) =>
        svg('text', { class: 'ming-strip-lane', x: '0', y: String(lane(at) + 11.5) }, title),
      ),
      plot,
    )
  }

  #axis(width: number, height: number): SVGElement[] {
    const y = height - axisHeight
    return [0, 15, 30, 45, 60].flatMap((seconds) => {
      const x = width - (seconds * 1000 * width) / stripMs
      const anchor = seconds === 0 ? 'end' : seconds === 60 ? 'start' : 'middle'
      const label =
        seconds === 0 ? this.#words('lab.strip.now') : this.#words('lab.strip.ago', { n: seconds })
      return [
        svg('line', {
          class: 'ming-strip-tick',
          x1: px(x),
          x2: px(x),
          y1: String(top - 4),
          y2: px(y),
        }),
        svg(
          'text',
          { class: 'ming-strip-axis', x: px(x), y: px(height - 4), 'text-anchor': anchor },
          label,
        ),
      ]
    })
  }

  #leaderLane(snapshot: ClusterSnapshot, width: number, y: number): SVGElement[] {
    const scale = stripScale(snapshot.at, width)
    return snapshot.strip.leaders.flatMap((span) => {
      const bar = scale.bar(span.from, span.to)
      if (!bar) return []
      const state = span.leader === null ? 'none' : 'leader'
      const label = span.leader === null ? '' : `${span.leader} · ${span.term}`
      return [block(bar, y, state), ...labelIn(bar, y, label)]
    })
  }

  #writeLane(snapshot: ClusterSnapshot, width: number, y: number): SVGElement[] {
    const scale = stripScale(snapshot.at, width)
    return snapshot.strip.writes.flatMap((span) => {
      const bar = scale.bar(span.from, span.to)
      return bar ? [block(bar, y, span.state)] : []
    })
  }

  #memberLane(snapshot: ClusterSnapshot, name: string, width: number, y: number): SVGElement[] {
    const scale = stripScale(snapshot.at, width)
    return snapshot.strip.members.flatMap((span) => {
      const bar = span.member === name ? scale.bar(span.from, span.to) : null
      if (!bar) return []
      const word = this.#words(`lab.state.${span.process}`)
      const label = span.process === 'running' ? '' : word
      return [block(bar, y, span.process), ...labelIn(bar, y, label)]
    })
  }

  /** From the fault to the end of the gap, over leader and writes, with its milliseconds on top. */
  #brackets(gaps: readonly Gap[], width: number): SVGElement[] {
    const labelled = gaps.map((gap) => ({ gap, label: durationWords(gap.ms, this.#words) }))
    const places = placeGapLabels(labelled, width)
    return labelled.flatMap(({ gap, label }, at) => {
      const place = places[at]
      const attributes = { class: 'ming-strip-gap', y: String(top - 10) }
      return [
        bracket(gap),
        ...(place
          ? [svg('text', { ...attributes, x: px(place.x), 'text-anchor': place.anchor }, label)]
          : []),
      ]
    })
  }

  /** The same facts in words, for who cannot see the drawing. */
  #tell(snapshot: ClusterSnapshot): void {
    const words = this.#words
    const ago = (at: number) => words('lab.strip.ago', { n: Math.round((snapshot.at - at) / 1000) })
    const leaders = snapshot.strip.leaders.map((span) => {
      const key = span.leader === null ? 'lab.strip.noLeaderSince' : 'lab.strip.leaderSince'
      return words(key, { leader: span.leader ?? '', term: span.term, ago: ago(span.from) })
    })
    const refused = snapshot.strip.writes
      .filter((span) => span.state === 'refused')
      .map((span) =>
        words('lab.strip.refusedFor', {
          duration: durationWords(span.to - span.from, words),
          ago: ago(span.from),
        }),
      )
    const lines = [...leaders, ...refused]
    if (lines.join('\n') === this.#text.dataset['lines']) return
    this.#text.dataset['lines'] = lines.join('\n')
    this.#text.replaceChildren(...lines.map((line) => element('li', {}, line)))
  }
}

function block(bar: Bar, y: number, state: string): SVGElement {
  return svg('rect', {
    class: 'ming-strip-bar',
    'data-state': state,
    x: px(bar.x),
    y: String(y),
    width: px(bar.width),
    height: String(laneHeight),
  })
}

function bracket({ x, width }: Bar): SVGElement {
  const bottom = top + 2 * (laneHeight + laneGap)
  const d = `M${px(x)} ${bottom}V${top - 6}H${px(x + width)}V${bottom}`
  return svg('path', { class: 'ming-strip-bracket', d })
}

/** A label only where it fits; a cell of text is about six pixels wide. */
function labelIn(bar: Bar, y: number, label: string): SVGElement[] {
  if (label === '' || bar.width < textWidth(label) * 6.4 + 8) return []
  return [svg('text', { class: 'ming-strip-label', x: px(bar.x + 4), y: String(y + 11.5) }, label)]
}

function px(value: number): string {
  return value.toFixed(1)
}
