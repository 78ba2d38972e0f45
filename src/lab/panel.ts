import type { ClusterSnapshot, FaultAction, MemberView } from '../../protocol/index.ts'
import { ClusterPicture } from './cluster-picture.ts'
import { button, element, setText } from './dom.ts'
import { sizeWords } from './duration-words.ts'
import { errorHint } from './error-hint.ts'
import { faultResult, latestFault, samplingNote } from './fault-words.ts'
import { wireErrorOf } from './lab-client.ts'
import { actionsFor, memberLook, remedyFor, shapeOf, type MemberLook } from './member-state.ts'
import { Strip } from './strip.ts'
import type { Words } from './words.ts'

const actions: readonly FaultAction[] = ['kill', 'stop', 'pause', 'resume', 'start']

export interface PanelOptions {
  readonly host: HTMLElement
  readonly words: Words
  /** False where the members' processes are out of reach: then nothing is offered. */
  readonly faults: boolean
  readonly fault: (action: FaultAction, target: string) => Promise<void>
}

interface MemberRow {
  readonly row: HTMLElement
  readonly mark: HTMLElement
  readonly state: HTMLElement
  readonly facts: Readonly<Record<'term' | 'revision' | 'size' | 'version', HTMLElement>>
  readonly buttons: ReadonlyMap<FaultAction, HTMLButtonElement>
}

let panels = 0

/** The cluster panel. Everything in it is drawn from snapshots, nothing from what was pressed. */
export class Panel {
  readonly #options: PanelOptions
  readonly #words: Words
  readonly #picture: ClusterPicture
  readonly #strip: Strip
  readonly #rows = new Map<string, MemberRow>()
  readonly #list = element('ul', { class: 'ming-members' })
  readonly #quorum = element('p', { class: 'ming-panel-quorum' })
  readonly #killLeader: HTMLButtonElement
  readonly #lost = element('div', { class: 'ming-panel-lost', hidden: '' })
  readonly #result = element('p', { class: 'ming-panel-result' })
  readonly #sampling = element('p', { class: 'ming-panel-sampling' })
  readonly #announce = element('p', { class: 'ming-hidden', role: 'status' })
  readonly #failure = element('p', { class: 'ming-panel-failure', role: 'alert' })
  readonly #pending = new Set<string>()
  #snapshot: ClusterSnapshot | null = null
  #frame = 0
  #announced: number | null = null
  #lostKey = ''
  /** True from the loss of the quorum until its return has been announced. */
  #quorumAway = false
  #connected = true
  /** The row whose focused button went away before another one came. */
  #focusless: MemberRow | null = null

  constructor(options: PanelOptions) {
    this.#options = options
    this.#words = options.words
    const { words } = options
    panels += 1
    this.#picture = new ClusterPicture({
      term: words('lab.panel.term'),
      state: (look) => words(`lab.state.${look}`),
      id: `ming-panel-${panels}`,
    })
    this.#strip = new Strip(words)
    this.#killLeader = button(
      words('lab.panel.killLeader'),
      { class: 'ming-act ming-act-strong' },
      () => {
        void this.#act('kill', 'leader')
      },
    )
    this.#killLeader.hidden = !options.faults
    this.#build()
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#strip.close()
    this.#options.host.replaceChildren()
  }

  #build(): void {
    const { host } = this.#options
    host.setAttribute('role', 'group')
    host.setAttribute('aria-label', this.#words('lab.panel.title'))
    host.replaceChildren(
      element(
        'div',
        { class: 'ming-panel-head' },
        element('span', {}, this.#words('lab.panel.title')),
        this.#quorum,
      ),
      element(
        'div',
        { class: 'ming-panel-body' },
        element('div', { class: 'ming-panel-picture' }, this.#picture.element, this.#killLeader),
        this.#list,
      ),
      this.#failure,
      this.#lost,
      element('div', { class: 'ming-panel-measured' }, this.#result, this.#sampling),
      this.#announce,
      this.#strip.element,
    )
  }

  /** While the connection is lost the last snapshot stays, but nothing can be done to it. */
  setConnected(connected: boolean): void {
    if (connected === this.#connected) return
    this.#connected = connected
    this.#options.host.dataset['connected'] = String(connected)
    this.#redraw()
  }

  /** Snapshots may come faster than the screen is drawn: only the newest counts. */
  show(snapshot: ClusterSnapshot): void {
    this.#snapshot = snapshot
    if (this.#frame !== 0) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      if (this.#snapshot) this.#draw(this.#snapshot)
    })
  }

  #draw(snapshot: ClusterSnapshot): void {
    this.#picture.draw(snapshot)
    for (const member of snapshot.members) {
      this.#drawRow(this.#row(member.name), member, memberLook(member, snapshot))
    }
    this.#drawQuorum(snapshot)
    this.#announceRecovery(snapshot)
    this.#drawResult(snapshot)
    this.#strip.show(snapshot)
    enable(this.#killLeader, this.#whyNotKillLeader(snapshot))
    this.#options.host.dataset['leader'] = snapshot.leader ?? ''
    this.#options.host.dataset['running'] = String(snapshot.quorum.running)
  }

  #whyNotKillLeader(snapshot: ClusterSnapshot): string | null {
    if (!this.#connected) return this.#words('lab.panel.notConnected')
    if (snapshot.leader === null) return this.#words('lab.panel.noLeader')
    return this.#pending.has(snapshot.leader) ? this.#words('lab.panel.waitFault') : null
  }

  #row(name: string): MemberRow {
    const known = this.#rows.get(name)
    if (known) return known
    const made = this.#makeRow(name)
    this.#rows.set(name, made)
    this.#list.append(made.row)
    return made
  }

  #makeRow(name: string): MemberRow {
    const words = this.#words
    const mark = element('span', { class: 'ming-mark', 'aria-hidden': 'true' })
    const state = element('span', { class: 'ming-member-state' })
    const fact = () => element('dd')
    const facts = { term: fact(), revision: fact(), size: fact(), version: fact() }
    const buttons = new Map(
      actions.map((action) => [
        action,
        button(
          words(`lab.action.${action}`),
          {
            class: 'ming-act',
            'aria-label': words(`lab.action.${action}.member`, { member: name }),
          },
          () => void this.#act(action, name),
        ),
      ]),
    )
    const row = element(
      'li',
      { class: 'ming-member' },
      element('div', { class: 'ming-member-name' }, mark, element('strong', {}, name), state),
      element('div', { class: 'ming-member-actions' }, ...buttons.values()),
      element(
        'dl',
        {},
        ...Object.entries(facts).map(([key, value]) =>
          element('div', {}, element('dt', {}, words(`lab.panel.${key}`)), value),
        ),
      ),
    )
    return { row, mark, state, facts, buttons }
  }

  #drawRow(row: MemberRow, member: MemberView, look: MemberLook): void {
    row.row.dataset['shape'] = shapeOf(look)
    row.row.dataset['look'] = look
    setText(row.state, this.#words(`lab.state.${look}`))
    const { status } = member
    setText(row.facts.term, status?.term ?? '–')
    setText(row.facts.revision, status?.revision ?? '–')
    setText(row.facts.size, status ? sizeWords(status.dbSize) : '–')
    setText(row.facts.version, status?.version ?? '–')
    this.#drawButtons(row, this.#possible(look), this.#whyNotNow(member.name))
  }

  #possible(look: MemberLook): readonly FaultAction[] {
    return this.#options.faults ? actionsFor(look) : []
  }

  #whyNotNow(member: string): string | null {
    if (!this.#connected) return this.#words('lab.panel.notConnected')
    return this.#pending.has(member) ? this.#words('lab.panel.waitFault') : null
  }

  /** A button that goes away hands its focus to the one that takes its place. */
  #drawButtons(row: MemberRow, possible: readonly FaultAction[], reason: string | null): void {
    const buttons = [...row.buttons]
    const focused = buttons.find(([, one]) => one === document.activeElement)?.[0]
    for (const [action, one] of buttons) {
      one.hidden = !possible.includes(action)
      enable(one, reason)
    }
    if (focused && !possible.includes(focused)) this.#focusless = row
    if (this.#focusless !== row || possible.length === 0) return
    this.#focusless = null
    if (focused || document.activeElement === document.body) {
      row.buttons.get(possible[0] ?? 'start')?.focus()
    }
  }

  #drawQuorum(snapshot: ClusterSnapshot): void {
    const { running, needed, total, held } = snapshot.quorum
    setText(this.#quorum, this.#words('lab.panel.quorum', { running, needed, total }))
    this.#quorum.dataset['held'] = String(held)
    const away = snapshot.members.flatMap((member) => {
      const remedy = remedyFor(memberLook(member, snapshot))
      return remedy ? [{ name: member.name, remedy }] : []
    })
    const key = held ? '' : away.map(({ name, remedy }) => `${name}:${remedy}`).join(' ')
    if (key === this.#lostKey) return
    this.#lostKey = key
    const hadFocus = this.#lost.contains(document.activeElement)
    this.#lost.hidden = held
    this.#lost.replaceChildren(
      element('p', {}, this.#words('lab.panel.lost', { running, needed, total })),
      ...(this.#options.faults ? away : []).map(({ name, remedy }) =>
        button(this.#words('lab.panel.bringBack', { member: name }), { class: 'ming-act' }, () => {
          void this.#act(remedy, name)
        }),
      ),
    )
    if (hadFocus) (this.#lost.querySelector('button') ?? this.#killLeader).focus()
    if (held) return
    this.#quorumAway = true
    setText(this.#announce, this.#words('lab.panel.lostShort'))
  }

  /** A majority alone takes no write yet: the news is that it has elected a leader. */
  #announceRecovery({ quorum, leader }: ClusterSnapshot): void {
    if (!this.#quorumAway || !quorum.held || leader === null) return
    this.#quorumAway = false
    setText(this.#announce, this.#words('lab.panel.recovered', { leader }))
  }

  #drawResult(snapshot: ClusterSnapshot): void {
    const fault = latestFault(snapshot.faults)
    const text = fault
      ? faultResult(fault, snapshot, this.#words)
      : this.#words('lab.panel.noFault')
    setText(this.#result, text)
    setText(this.#sampling, fault ? samplingNote(fault, this.#words) : '')
    if (!fault || fault.measuring || fault.id === this.#announced) return
    // Results from before the page was loaded are no news.
    if (this.#announced !== null || snapshot.at - fault.at < 15_000) setText(this.#announce, text)
    this.#announced = fault.id
  }

  async #act(action: FaultAction, target: string): Promise<void> {
    const name = target === 'leader' ? this.#snapshot?.leader : target
    if (!name || !this.#connected || this.#pending.has(name)) return
    this.#pending.add(name)
    setText(this.#failure, '')
    this.#redraw()
    try {
      await this.#options.fault(action, target)
    } catch (error) {
      setText(this.#failure, errorHint(wireErrorOf(error), this.#words))
    } finally {
      this.#pending.delete(name)
      this.#redraw()
    }
  }

  #redraw(): void {
    if (this.#snapshot) this.show(this.#snapshot)
  }
}

/** A button that cannot be used now stays in the tab order and says why. */
function enable(target: HTMLButtonElement, whyNot: string | null): void {
  target.setAttribute('aria-disabled', String(whyNot !== null))
  target.title = whyNot ?? ''
}
