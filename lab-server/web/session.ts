import {
  LabError,
  protocolVersion,
  toLabError,
  type ClientMessage,
  type LabState,
  type Locale,
  type ServerMessage,
} from '../../protocol/index.ts'
import { Lab } from '../lab/lab.ts'
import type { Labs } from '../lab/labs.ts'
import { toWireError } from '../lab/wire-error.ts'
import type { Logger } from '../logger.ts'
import type { Outbox } from './outbox.ts'

/** What `welcome` says of the server. */
export type ServerFacts = Extract<ServerMessage, { type: 'welcome' }>['server']

export interface SessionOptions {
  readonly labs: Labs
  readonly facts: ServerFacts
  readonly outbox: Outbox
  readonly logger: Logger
}

type Message<T extends ClientMessage['type']> = Extract<ClientMessage, { type: T }>

/** Requests of one browser that may wait for their answer at the same time. */
const mostPending = 32

/**
 * One browser tab's conversation, from `hello` on: which lab is its, which terminals it draws,
 * whether it looks at the cluster. Knows nothing of sockets.
 */
export class Session {
  readonly #labs: Labs
  readonly #facts: ServerFacts
  readonly #outbox: Outbox
  readonly #logger: Logger
  readonly #terminals = new Map<string, () => void>()
  #greeted = false
  #locale: Locale = 'en'
  #lab: Lab | null = null
  #leaveLab: (() => void) | null = null
  #stopWatching: (() => void) | null = null
  #pending = 0

  constructor(options: SessionOptions) {
    this.#labs = options.labs
    this.#facts = options.facts
    this.#outbox = options.outbox
    this.#logger = options.logger
  }

  /** True after the first `hello`. */
  get greeted(): boolean {
    return this.#greeted
  }

  /**
   * Answers every message exactly once; never throws. What can be done at once is done at once, so
   * messages take effect in the order they came.
   */
  handle(message: ClientMessage): void {
    try {
      this.#checkGreeted(message)
      const answer = this.#answer(message)
      if (answer instanceof Promise) void this.#answerLater(message.id, answer)
      else this.#outbox.reply(answer)
    } catch (error) {
      this.refuse(message.id, error)
    }
  }

  /** Answers `failed`. */
  refuse(id: number | null, thrown: unknown): void {
    const error = toLabError(thrown)
    if (error.code === 'INTERNAL') this.#logger.error('request failed', { error: thrown })
    this.#outbox.reply({ type: 'failed', id, error: toWireError(error) })
  }

  /** Leaves the lab; it lives on. */
  close(): void {
    this.#stopWatching?.()
    this.#stopWatching = null
    this.#outbox.dropSnapshot()
    for (const stop of this.#terminals.values()) stop()
    this.#terminals.clear()
    this.#leaveLab?.()
    this.#leaveLab = null
    this.#lab = null
  }

  #checkGreeted(message: ClientMessage): void {
    if (message.type === 'hello' || this.#greeted) return
    throw new LabError('HELLO_REQUIRED', 'The first message must be hello')
  }

  async #answerLater(id: number, answer: Promise<ServerMessage>): Promise<void> {
    this.#pending += 1
    try {
      this.#outbox.reply(await answer)
    } catch (error) {
      this.refuse(id, error)
    } finally {
      this.#pending -= 1
    }
  }

  /** Before something that takes its time. */
  #checkRoom(): void {
    if (this.#pending < mostPending) return
    const details = { retryAfterMs: 1000 }
    throw new LabError('RATE_LIMIT', `${mostPending} requests are still waiting`, { details })
  }

  #answer(message: ClientMessage): ServerMessage | Promise<ServerMessage> {
    switch (message.type) {
      case 'hello':
        return this.#hello(message)
      case 'ping':
        return { type: 'done', id: message.id }
      case 'lab.create':
        return this.#createLab(message)
      case 'lab.end':
        return this.#endLab(message)
      case 'lab.keep':
        return this.#act(message, () => {})
      case 'terminal.attach':
        return this.#attach(message)
      case 'terminal.detach':
        return this.#detach(message)
      case 'terminal.run':
        return this.#act(message, (lab) =>
          lab.openTerminal(message.terminal).run(message.line, message),
        )
      case 'terminal.interrupt':
        return this.#act(message, (lab) => lab.openTerminal(message.terminal).interrupt())
      case 'complete':
        return this.#complete(message)
      case 'cluster.watch':
        return this.#watch(message)
      case 'fault':
        return this.#fault(message)
    }
  }

  #hello(message: Message<'hello'>): ServerMessage {
    this.close()
    this.#greeted = true
    this.#locale = message.locale
    const found = message.token === null ? null : this.#labs.find(message.token)
    if (found instanceof Lab) this.#enter(found)
    const lab: LabState | null = found instanceof Lab ? found.state() : found
    return {
      type: 'welcome',
      id: message.id,
      protocol: protocolVersion,
      server: this.#facts,
      lab,
    }
  }

  #createLab(message: Message<'lab.create'>): ServerMessage {
    if (this.#lab !== null && this.#lab.state().phase !== 'gone') {
      throw new LabError('LAB_EXISTS', 'This browser has a lab already')
    }
    const { token, lab } = this.#labs.create()
    this.close()
    this.#enter(lab)
    return { type: 'created', id: message.id, token, lab: lab.state() }
  }

  #enter(lab: Lab): void {
    this.#lab = lab
    this.#leaveLab = lab.onState((state) => this.#outbox.pushLab(state))
  }

  #requireLab(): Lab {
    if (this.#lab === null) throw new LabError('NO_LAB', 'This browser has no lab')
    return this.#lab
  }

  /** Something that only the reader does, and that is done at once. */
  #act(message: ClientMessage, action: (lab: Lab) => void): ServerMessage {
    const lab = this.#requireLab()
    lab.requireReady()
    lab.touch()
    action(lab)
    return { type: 'done', id: message.id }
  }

  async #endLab(message: Message<'lab.end'>): Promise<ServerMessage> {
    this.#checkRoom()
    await this.#requireLab().end('ended')
    return { type: 'done', id: message.id }
  }

  /**
   * A page that opens is its reader's doing; one that comes back after a lost connection asks for
   * what followed, and must not keep the lab of somebody who is not there.
   */
  #attach(message: Message<'terminal.attach'>): ServerMessage {
    const lab = this.#requireLab()
    const terminal = lab.openTerminal(message.terminal)
    if (message.after === 0) lab.touch()
    this.#terminals.get(message.terminal)?.()
    const state = terminal.state()
    // A number this terminal never gave belongs to an earlier lab.
    const after = message.after > state.lastSeq ? 0 : message.after
    const stopListening = terminal.onEntries(() => this.#outbox.wake())
    this.#outbox.follow(message.terminal, terminal, after)
    this.#terminals.set(message.terminal, () => {
      stopListening()
      this.#outbox.unfollow(message.terminal)
    })
    return {
      type: 'attached',
      id: message.id,
      terminal: message.terminal,
      ...state,
      history: [...state.history],
    }
  }

  #detach(message: Message<'terminal.detach'>): ServerMessage {
    this.#terminals.get(message.terminal)?.()
    this.#terminals.delete(message.terminal)
    return { type: 'done', id: message.id }
  }

  async #complete(message: Message<'complete'>): Promise<ServerMessage> {
    this.#checkRoom()
    const lab = this.#requireLab()
    lab.touch()
    const { from, candidates } = await lab.complete(message.line, message.cursor, this.#locale)
    return { type: 'completions', id: message.id, from, candidates: [...candidates] }
  }

  #watch(message: Message<'cluster.watch'>): ServerMessage {
    const lab = this.#requireLab()
    if (message.on) {
      this.#stopWatching ??= lab.watchCluster((snapshot) => this.#outbox.pushSnapshot(snapshot))
    } else {
      this.#stopWatching?.()
      this.#stopWatching = null
      this.#outbox.dropSnapshot()
    }
    return { type: 'done', id: message.id }
  }

  async #fault(message: Message<'fault'>): Promise<ServerMessage> {
    this.#checkRoom()
    const lab = this.#requireLab()
    lab.touch()
    await lab.fault(message.action, message.target)
    return { type: 'done', id: message.id }
  }
}
