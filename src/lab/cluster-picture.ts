import type { ClusterSnapshot } from '../../protocol/index.ts'
import { setText, svg } from './dom.ts'
import { memberLook, shapeOf, type MemberLook, type Shape } from './member-state.ts'

interface Point {
  readonly x: number
  readonly y: number
}

interface Drawn {
  readonly group: SVGGElement
  readonly state: SVGTextElement
  readonly at: Point
}

interface Link {
  readonly line: SVGLineElement
  readonly pulse: SVGCircleElement
  readonly ends: readonly [string, string]
}

const size = { width: 256, height: 224 }
const centre = { x: 128, y: 130 }
const radius = 36

/**
 * The picture of the cluster: members around their term, heartbeats from the leader, votes to a
 * new one. For eyes only: the same facts stand as text beside it.
 */
export class ClusterPicture {
  readonly element = svg('svg', {
    class: 'ming-picture',
    viewBox: `0 0 ${size.width} ${size.height}`,
    'aria-hidden': 'true',
    focusable: 'false',
  })
  readonly #term = svg('text', {
    class: 'ming-picture-term',
    x: `${centre.x}`,
    y: `${centre.y + 16}`,
  })
  readonly #termWord: string
  readonly #stateWord: (look: MemberLook) => string
  readonly #hatchId: string
  #members = new Map<string, Drawn>()
  #links: Link[] = []
  #leader: string | null = null

  constructor(words: {
    readonly term: string
    readonly state: (look: MemberLook) => string
    /** Unique in the page: names the hatching of paused members. */
    readonly id: string
  }) {
    this.#termWord = words.term
    this.#stateWord = words.state
    this.#hatchId = `${words.id}-hatch`
  }

  draw(snapshot: ClusterSnapshot): void {
    if (this.#members.size !== snapshot.members.length) this.#build(snapshot)
    const shapes = new Map<string, Shape>()
    for (const member of snapshot.members) {
      const look = memberLook(member, snapshot)
      shapes.set(member.name, shapeOf(look))
      this.#drawMember(member.name, look)
    }
    for (const link of this.#links) drawLink(link, this.#members, shapes, snapshot.leader)
    setText(this.#term, snapshot.term === '0' ? '–' : snapshot.term)
    this.#followLeader(snapshot, shapes)
  }

  #build(snapshot: ClusterSnapshot): void {
    const names = snapshot.members.map((member) => member.name)
    this.#members = new Map(
      names.map((name, at) => [name, this.#makeMember(name, place(at, names.length))]),
    )
    this.#links = pairs(names).map((ends) => makeLink(ends, this.#members))
    this.element.replaceChildren(
      hatching(this.#hatchId),
      ...this.#links.map((link) => link.line),
      svg(
        'text',
        { class: 'ming-picture-label', x: `${centre.x}`, y: `${centre.y - 8}` },
        this.#termWord,
      ),
      this.#term,
      ...this.#links.map((link) => link.pulse),
      ...[...this.#members.values()].map((member) => member.group),
    )
  }

  #makeMember(name: string, at: Point): Drawn {
    const x = String(at.x)
    const state = svg('text', { class: 'ming-picture-state', x, y: String(at.y + 14) })
    const group = svg(
      'g',
      { class: 'ming-picture-member' },
      svg('circle', { class: 'body', cx: x, cy: String(at.y), r: String(radius) }),
      svg('circle', {
        class: 'hatch',
        cx: x,
        cy: String(at.y),
        r: String(radius),
        fill: `url(#${this.#hatchId})`,
      }),
      svg('text', { class: 'ming-picture-name', x, y: String(at.y - 1) }, name),
      state,
    )
    return { group, state, at }
  }

  #drawMember(name: string, look: MemberLook): void {
    const drawn = this.#members.get(name)
    if (!drawn) return
    drawn.group.dataset['shape'] = shapeOf(look)
    setText(drawn.state, this.#stateWord(look))
  }

  /** A new leader has been voted for by the others that run: their votes are seen to travel. */
  #followLeader(snapshot: ClusterSnapshot, shapes: ReadonlyMap<string, Shape>): void {
    const before = this.#leader
    this.#leader = snapshot.leader
    if (snapshot.leader === null || before === snapshot.leader || before === null) return
    const to = this.#members.get(snapshot.leader)
    if (!to || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    for (const [name, from] of this.#members) {
      if (name === snapshot.leader || shapes.get(name) !== 'follower') continue
      const vote = svg('circle', { class: 'ming-picture-vote', r: '5' })
      travel(vote, from.at, to.at)
      vote.addEventListener('animationend', () => vote.remove())
      this.element.append(vote)
    }
  }
}

/** The first at the top, the others clockwise. */
function place(index: number, count: number): Point {
  const angle = -Math.PI / 2 + (2 * Math.PI * index) / count
  return {
    x: Math.round(centre.x + 102 * Math.cos(angle)),
    y: Math.round(centre.y + 92 * Math.sin(angle)),
  }
}

function pairs(names: readonly string[]): readonly (readonly [string, string])[] {
  return names.flatMap((one, at) => names.slice(at + 1).map((other) => [one, other] as const))
}

function makeLink(ends: readonly [string, string], members: ReadonlyMap<string, Drawn>): Link {
  const [from, to] = ends.map((name) => members.get(name)?.at ?? { x: 0, y: 0 })
  const line = svg('line', {
    class: 'ming-picture-link',
    x1: String(from?.x),
    y1: String(from?.y),
    x2: String(to?.x),
    y2: String(to?.y),
  })
  return { line, pulse: svg('circle', { class: 'ming-picture-pulse', r: '3.5' }), ends }
}

function drawLink(
  link: Link,
  members: ReadonlyMap<string, Drawn>,
  shapes: ReadonlyMap<string, Shape>,
  leader: string | null,
): void {
  const alive = link.ends.every((name) => isUp(shapes.get(name)))
  link.line.dataset['alive'] = String(alive)
  const beats = alive && leader !== null && link.ends.includes(leader)
  const key = beats ? leader : ''
  if (link.pulse.dataset['from'] === key) return
  link.pulse.dataset['from'] = key
  const other = link.ends.find((name) => name !== leader)
  const from = leader === null ? undefined : members.get(leader)
  const to = other === undefined ? undefined : members.get(other)
  if (beats && from && to) travel(link.pulse, from.at, to.at)
}

function isUp(shape: Shape | undefined): boolean {
  return shape === 'leader' || shape === 'follower' || shape === 'unknown'
}

/** Where the stylesheet's animation begins and how far it goes. */
function travel(circle: SVGCircleElement, from: Point, to: Point): void {
  circle.setAttribute('cx', String(from.x))
  circle.setAttribute('cy', String(from.y))
  circle.style.setProperty('--dx', `${to.x - from.x}px`)
  circle.style.setProperty('--dy', `${to.y - from.y}px`)
}

function hatching(id: string): SVGDefsElement {
  const pattern = svg(
    'pattern',
    { id, width: '7', height: '7', patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('line', { class: 'ming-hatch-line', x1: '0', y1: '0', x2: '0', y2: '7' }),
  )
  return svg('defs', {}, pattern)
}
