import type { LabState } from '../../protocol/index.ts'
import { button, element, setText } from './dom.ts'
import { countdownWords, durationWords } from './duration-words.ts'
import { errorHint } from './error-hint.ts'
import type { ClientState, LabClient } from './lab-client.ts'
import { idleWarning, retryIn, situationOf, type Situation } from './lab-situation.ts'
import type { Words } from './words.ts'

export interface LabBarOptions {
  /** The `<ming-lab>` element; its static parts are shown and hidden by `data-state`. */
  readonly lab: HTMLElement
  /** The element inside it that is ours to fill. */
  readonly host: HTMLElement
  readonly client: LabClient
  readonly words: Words
  /** The reader asked for a lab. */
  readonly onStart: () => void
}

/**
 * What the reader's lab is doing and what can be done about it: start, progress, end, why it is
 * gone. Text that changes by itself is announced once per situation, countdowns are not.
 */
export class LabBar {
  readonly #options: LabBarOptions
  readonly #words: Words
  readonly #status = element('p', { class: 'ming-lab-status', role: 'status' })
  readonly #detail = element('p', { class: 'ming-lab-detail' })
  readonly #buttons = element('div', { class: 'ming-lab-buttons' })
  readonly #version = element('p', { class: 'ming-lab-version' })
  readonly #stop: () => void
  readonly #clock: ReturnType<typeof setInterval>
  #shown = ''
  #confirming = false
  /** The button that had the focus went away before another one came. */
  #lostFocus = false

  constructor(options: LabBarOptions) {
    this.#options = options
    this.#words = options.words
    options.host.replaceChildren(
      element('div', { class: 'ming-lab-words' }, this.#status, this.#detail, this.#version),
      this.#buttons,
    )
    this.#stop = options.client.subscribe(() => this.#draw())
    // Countdowns and elapsed times; the state itself arrives by message.
    this.#clock = setInterval(() => this.#draw(), 500)
    this.#draw()
  }

  close(): void {
    this.#stop()
    clearInterval(this.#clock)
    this.#options.host.replaceChildren()
  }

  #draw(): void {
    const state = this.#options.client.state()
    const situation = situationOf(state)
    if (situation !== 'ready') this.#confirming = false
    this.#showStaticPart(situation)
    setText(this.#status, this.#statusWords(situation, state))
    setText(this.#detail, this.#detailWords(situation, state))
    this.#detail.hidden = this.#detail.textContent === ''
    this.#drawVersion(state)
    this.#drawButtons(situation, state)
  }

  #showStaticPart(situation: Situation): void {
    const { lab } = this.#options
    const state = situation === 'absent' || situation === 'none' ? situation : 'live'
    lab.dataset['state'] = state
    lab.dataset['situation'] = situation
  }

  #statusWords(situation: Situation, state: ClientState): string {
    const words = this.#words
    switch (situation) {
      case 'absent':
        return ''
      case 'none':
        return state.error ? errorHint(state.error, words) : ''
      case 'gone':
        return words(`lab.gone.${state.lab?.reason ?? 'unknown'}`)
      case 'starting':
        return this.#progressWords(state)
      default:
        return words(`lab.status.${situation}`)
    }
  }

  #progressWords({ lab }: ClientState): string {
    const { membersUp: up = 0, membersTotal: total = 3, leader = null } = lab?.progress ?? {}
    if (total > 0 && up >= total && leader === null) return this.#words('lab.status.electing')
    return this.#words('lab.status.starting', { up, total: Math.max(total, up) })
  }

  #detailWords(situation: Situation, state: ClientState): string {
    const words = this.#words
    const now = Date.now()
    if (situation === 'none' || situation === 'gone') {
      const wait = retryIn(state, now)
      if (wait > 0) return words('lab.retryIn', { time: countdownWords(wait, words) })
      if (state.error?.code === 'LAB_LIMIT') return words('lab.retryNow')
      const failure = state.lab?.error ?? (situation === 'gone' ? state.error : null)
      return failure ? errorHint(failure, words) : ''
    }
    if (situation === 'starting') return this.#elapsedWords(state.lab, state.labAt, now)
    if (this.#confirming) return words('lab.end.sure')
    const idle = idleWarning(state, now)
    if (idle !== null) return words('lab.idle', { time: countdownWords(idle, words) })
    if (state.error) return errorHint(state.error, words)
    const shared = state.server?.cluster
    return situation === 'ready' && shared !== undefined ? words(`lab.shared.${shared}`) : ''
  }

  #elapsedWords(lab: LabState | null, labAt: number, now: number): string {
    const elapsed = (lab?.progress.elapsedMs ?? 0) + (now - labAt)
    return this.#words('lab.elapsed', { time: durationWords(elapsed, this.#words) })
  }

  #drawVersion({ server }: ClientState): void {
    const words = this.#words
    const facts = server ? words('lab.etcd', { version: server.etcdVersion }) : ''
    const note = server?.etcdOutdated ? words('lab.etcd.outdated', { floor: server.etcdFloor }) : ''
    setText(this.#version, note === '' ? facts : `${facts} ${note}`)
  }

  #drawButtons(situation: Situation, state: ClientState): void {
    const wait = retryIn(state, Date.now()) > 0
    const idle = idleWarning(state, Date.now()) !== null
    const key = [situation, wait, idle, this.#confirming].join()
    if (key === this.#shown) return
    this.#shown = key
    const inside = this.#buttons.contains(document.activeElement)
    const hadFocus = inside || this.#lostFocus
    this.#buttons.replaceChildren(...this.#buttonsFor(situation, wait, idle))
    const first = this.#buttons.querySelector('button')
    this.#lostFocus = hadFocus && !first
    if (inside || (hadFocus && document.activeElement === document.body)) first?.focus()
  }

  #buttonsFor(situation: Situation, wait: boolean, idle: boolean): readonly HTMLButtonElement[] {
    const { client, onStart } = this.#options
    const words = this.#words
    const quiet = { class: 'ming-act' }
    if (situation === 'refused') {
      return [button(words('lab.reload'), quiet, () => location.reload())]
    }
    if (situation === 'gone') {
      const startNew = button(words('lab.startNew'), { class: 'ming-button' }, onStart)
      startNew.disabled = wait
      return [startNew, button(words('lab.dismiss'), quiet, () => client.dismissLab())]
    }
    if (situation !== 'ready') return []
    if (this.#confirming) {
      return [
        button(words('lab.end.yes'), { class: 'ming-act' }, () => void client.endLab()),
        button(words('lab.end.no'), quiet, () => this.#confirm(false)),
      ]
    }
    const end = button(words('lab.end'), quiet, () => this.#confirm(true))
    return idle ? [button(words('lab.keep'), quiet, () => void client.keepLab()), end] : [end]
  }

  #confirm(confirming: boolean): void {
    this.#confirming = confirming
    this.#draw()
  }
}
