import {
  LabError,
  protocolVersion,
  serverMessage,
  type ClientMessage,
  type ClusterSnapshot,
  type Completion,
  type FaultAction,
  type LabState,
  type Locale,
  type ServerMessage,
  type TerminalEntry,
  type WireError,
} from '../../protocol/index.ts'
import { findServer } from './server-presence.ts'
import { report } from './report.ts'
import type { TokenStore } from './token-store.ts'

/**
 * `idle`: nothing was asked of the server yet. `absent`: there is no lab server here (static
 * hosting). `lost`: there was or should be one; trying again. `refused`: it does not speak our
 * version of the protocol; the page has to be loaded again.
 */
export type Connection = 'idle' | 'connecting' | 'open' | 'lost' | 'absent' | 'refused'

export type ServerFacts = Extract<ServerMessage, { type: 'welcome' }>['server']

export interface ClientState {
  readonly connection: Connection
  /** Facts of the server, from the last welcome. */
  readonly server: ServerFacts | null
  /** Null: this browser has no lab. */
  readonly lab: LabState | null
  /** When `lab` arrived, epoch milliseconds of the browser: its durations count from here. */
  readonly labAt: number
  /** Why the last attempt to start or end a lab failed; null once another one begins. */
  readonly error: WireError | null
  /** When `error` arrived, epoch milliseconds: `retryAfterMs` counts from here. */
  readonly errorAt: number
  /** True from the press of "Start a lab" to its answer. */
  readonly creating: boolean
}

/** What a terminal on the page hears of its entries on the server. */
export interface TerminalListener {
  /**
   * The terminal was opened or found again. `fresh`: entries follow from the first one on, so
   * whatever the page has drawn so far has to go.
   */
  onAttached(info: { running: string | null; history: readonly string[]; fresh: boolean }): void
  /** New entries, each exactly once and in order. */
  onEntries(entries: readonly TerminalEntry[]): void
  /** The connection or the lab is away; keys have nobody to go to. */
  onDetached(): void
  onFailed(error: WireError): void
}

/** One terminal of the lab, as the page holds it. */
export interface TerminalLink {
  run(line: string, columns: number): Promise<void>
  interrupt(): Promise<void>
  complete(
    line: string,
    cursor: number,
  ): Promise<{ from: number; candidates: readonly Completion[] }>
  close(): void
}

export interface LabClientOptions {
  /** Base path of the site, ends with `/`. */
  readonly base: string
  /** `ws://host/base/ws` */
  readonly socketUrl: string
  readonly locale: Locale
  readonly tokens: TokenStore
}

interface Pending {
  readonly resolve: (message: ServerMessage) => void
  readonly reject: (error: LabError) => void
  readonly timer: ReturnType<typeof setTimeout>
}

interface Attachment {
  readonly id: string
  readonly listener: TerminalListener
  lastSeq: number
  attached: boolean
}

/** A request without the id that the client gives it. */
type Request<T = ClientMessage> = T extends ClientMessage ? Omit<T, 'id'> : never

/** Milliseconds until an answer must be there. Starting a member may take etcd a while. */
const deadlines = {
  default: 10_000,
  ping: 3_000,
  hello: 5_000,
  fault: 60_000,
  end: 30_000,
} as const
/** Milliseconds between two pings of a quiet connection. */
/** How long a wish for a lab waits for the server, milliseconds. */
const openMs = 20_000
const pingEveryMs = 15_000
const slowestRetryMs = 10_000

/**
 * The page's connection to its lab: one WebSocket for all terminals and panels of a tab, restored
 * for as long as the page lives. Everything it learns is in `state()`; requests reject with
 * `LabError` (the server's own, `TIMEOUT`, or `CLOSED` when the connection went away).
 */
export class LabClient {
  readonly #options: LabClientOptions
  readonly #listeners = new Set<(state: ClientState) => void>()
  readonly #attachments = new Map<string, Attachment>()
  readonly #watchers = new Set<(snapshot: ClusterSnapshot) => void>()
  readonly #pending = new Map<number, Pending>()
  #state: ClientState = {
    connection: 'idle',
    server: null,
    lab: null,
    labAt: 0,
    error: null,
    errorAt: 0,
    creating: false,
  }
  #socket: WebSocket | null = null
  #token: string | null
  #nextId = 1
  #attempt = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #pingTimer: ReturnType<typeof setTimeout> | undefined
  #watching = false
  #visible = true
  #closed = false

  constructor(options: LabClientOptions) {
    this.#options = options
    this.#token = options.tokens.read()
  }

  state(): ClientState {
    return this.#state
  }

  /** Calls `listener` with every change. Returns the way to stop. */
  subscribe(listener: (state: ClientState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Connects, if nothing else does so already. */
  open(): void {
    if (this.#closed || this.#socket || this.#retryTimer !== undefined) return
    this.#connect()
  }

  /** The button: a lab of the reader's own, or the one that another tab has just started. */
  async createLab(): Promise<void> {
    if (this.#state.creating) return
    this.#set({ creating: true, error: null })
    try {
      await this.#whenOpen()
      if (livesOn(this.#state.lab)) return
      const reply = await this.#request({ type: 'lab.create' }, 'default')
      if (reply.type !== 'created') throw unexpected(reply)
      this.#token = reply.token
      this.#options.tokens.write(reply.token)
      this.#beginTerminals()
      this.#setLab(reply.lab)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#set({ creating: false })
    }
  }

  /** Ends the lab; resolves when the server has removed it. */
  async endLab(): Promise<void> {
    this.#set({ error: null })
    try {
      await this.#request({ type: 'lab.end' }, 'end')
    } catch (error) {
      this.#fail(error)
    }
  }

  /** "Keep my lab": restarts its idle clock. */
  async keepLab(): Promise<void> {
    try {
      await this.#request({ type: 'lab.keep' }, 'default')
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The reader has read why the lab is gone. */
  dismissLab(): void {
    if (this.#state.lab?.phase !== 'gone') return
    this.#forgetToken()
    this.#set({ lab: null, error: null })
  }

  async fault(action: FaultAction, target: string): Promise<void> {
    await this.#request({ type: 'fault', action, target }, 'fault')
  }

  /** Opens the terminal now and after every reconnection, until the link is closed. */
  openTerminal(id: string, listener: TerminalListener): TerminalLink {
    const attachment: Attachment = { id, listener, lastSeq: 0, attached: false }
    this.#attachments.set(id, attachment)
    void this.#attach(attachment)
    return {
      run: async (line, columns) => {
        const { locale } = this.#options
        await this.#request(
          { type: 'terminal.run', terminal: id, line, locale, columns },
          'default',
        )
      },
      interrupt: async () => {
        await this.#request({ type: 'terminal.interrupt', terminal: id }, 'default')
      },
      complete: async (line, cursor) => {
        const reply = await this.#request({ type: 'complete', line, cursor }, 'default')
        if (reply.type !== 'completions') throw unexpected(reply)
        return { from: reply.from, candidates: reply.candidates }
      },
      close: () => {
        if (this.#attachments.get(id) !== attachment) return
        this.#attachments.delete(id)
        if (attachment.attached) this.#tell({ type: 'terminal.detach', terminal: id })
      },
    }
  }

  /** Snapshots, while the page is visible. Returns the way to stop. */
  watchCluster(listener: (snapshot: ClusterSnapshot) => void): () => void {
    this.#watchers.add(listener)
    this.#syncWatch()
    return () => {
      this.#watchers.delete(listener)
      this.#syncWatch()
    }
  }

  /** The page was shown or hidden: nobody looks at a hidden panel, so no probe runs for it. */
  setVisible(visible: boolean): void {
    this.#visible = visible
    this.#syncWatch()
    if (visible) this.check()
  }

  /** Is the connection alive? Called when the page wakes up, the network is back, and so on. */
  check(): void {
    const { connection } = this.#state
    if (connection === 'open') void this.#ping()
    else if (this.#retryTimer !== undefined) this.#connect()
    else if (connection === 'absent') this.#connect()
  }

  /** Another tab of this browser started or ended a lab. */
  adoptToken(token: string | null): void {
    if (token === this.#token) return
    this.#token = token
    if (token === null) return
    this.#beginTerminals()
    this.#drop()
    this.#connect()
  }

  close(): void {
    this.#closed = true
    this.#drop()
    clearTimeout(this.#retryTimer)
    this.#listeners.clear()
  }

  #set(change: Partial<ClientState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener(this.#state)
  }

  #setLab(lab: LabState | null): void {
    // A lab that the reader ended, or that nobody remembers, needs no token any more.
    if (lab?.phase === 'gone' && (lab.reason === 'ended' || lab.reason === 'unknown')) {
      this.#forgetToken()
    }
    this.#set({ lab, labAt: Date.now() })
    if (lab?.phase === 'ready') {
      for (const attachment of this.#attachments.values()) void this.#attach(attachment)
      this.#syncWatch()
    } else {
      this.#watching = false
      this.#detachAll()
    }
  }

  /** Another lab: its terminals have nothing to do with what was drawn before. */
  #beginTerminals(): void {
    for (const attachment of this.#attachments.values()) attachment.lastSeq = 0
  }

  #forgetToken(): void {
    if (this.#token !== null && this.#options.tokens.read() === this.#token) {
      this.#options.tokens.write(null)
    }
    this.#token = null
  }

  #fail(error: unknown): void {
    this.#set({ error: wireErrorOf(error), errorAt: Date.now() })
  }

  #connect(): void {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    if (this.#closed || this.#socket) return
    this.#set({ connection: this.#attempt === 0 ? 'connecting' : 'lost' })
    const socket = new WebSocket(this.#options.socketUrl)
    this.#socket = socket
    socket.addEventListener('open', () => void this.#sayHello(socket))
    socket.addEventListener('message', (event) => {
      if (this.#socket === socket) this.#receive(event.data)
    })
    socket.addEventListener('close', () => {
      if (this.#socket === socket) void this.#lose()
    })
  }

  async #sayHello(socket: WebSocket): Promise<void> {
    const { locale } = this.#options
    const token = this.#token
    try {
      const reply = await this.#request(
        { type: 'hello', protocol: protocolVersion, token, locale },
        'hello',
      )
      if (reply.type !== 'welcome') throw unexpected(reply)
      this.#attempt = 0
      this.#watching = false
      this.#set({ connection: 'open', server: reply.server })
      this.#welcome(reply.lab)
      this.#schedulePing()
    } catch (error) {
      const wire = wireErrorOf(error)
      if (wire.code === 'PROTOCOL_VERSION') {
        this.#drop()
        this.#set({ connection: 'refused', error: wire })
      } else if (this.#socket === socket) {
        void this.#lose()
      }
    }
  }

  #welcome(lab: LabState | null): void {
    if (!lab) this.#forgetToken()
    // What this page already knows of the end of its lab says more than "there is none".
    const known = this.#state.lab?.phase === 'gone' ? this.#state.lab : null
    this.#setLab(lab ?? known)
  }

  /** The connection is gone, or must be given up because nothing comes through it. */
  async #lose(): Promise<void> {
    const neverOpen = this.#state.connection === 'connecting'
    this.#drop()
    this.#set({ connection: neverOpen ? 'connecting' : 'lost' })
    if (this.#attempt === 0 || neverOpen) {
      const { presence } = await findServer(this.#options.base)
      if (this.#closed || this.#socket || this.#retryTimer !== undefined) return
      if (presence === 'absent') {
        this.#attempt = 0
        this.#set({ connection: 'absent' })
        return
      }
    }
    this.#set({ connection: 'lost' })
    this.#scheduleRetry()
  }

  #scheduleRetry(): void {
    const longest = Math.min(slowestRetryMs, 250 * 2 ** this.#attempt)
    this.#attempt += 1
    this.#retryTimer = setTimeout(
      () => {
        this.#connect()
      },
      longest * (0.5 + Math.random() / 2),
    )
  }

  /** Forgets the socket at once: the close event of a half-open one may be minutes away. */
  #drop(): void {
    const socket = this.#socket
    this.#socket = null
    this.#watching = false
    clearTimeout(this.#pingTimer)
    socket?.close()
    for (const pending of [...this.#pending.values()]) {
      pending.reject(new LabError('CLOSED', 'the connection to the lab server was lost'))
    }
    this.#detachAll()
  }

  #detachAll(): void {
    for (const attachment of this.#attachments.values()) {
      if (!attachment.attached) continue
      attachment.attached = false
      attachment.listener.onDetached()
    }
  }

  #schedulePing(): void {
    clearTimeout(this.#pingTimer)
    this.#pingTimer = setTimeout(() => void this.#ping(), pingEveryMs)
  }

  async #ping(): Promise<void> {
    const socket = this.#socket
    if (!socket) return
    try {
      await this.#request({ type: 'ping' }, 'ping')
      if (this.#socket === socket) this.#schedulePing()
    } catch (error) {
      // RATE_LIMIT and the like are answers too: only silence means that the connection is dead.
      if (this.#socket !== socket) return
      if (wireErrorOf(error).code === 'TIMEOUT') void this.#lose()
      else this.#schedulePing()
    }
  }

  #request(message: Request, deadline: keyof typeof deadlines): Promise<ServerMessage> {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(new LabError('CLOSED', 'there is no connection to the lab server'))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#pending.delete(id)
      }
      const timer = setTimeout(() => {
        settle()
        reject(new LabError('TIMEOUT', `the lab server did not answer ${message.type} in time`))
      }, deadlines[deadline])
      this.#pending.set(id, {
        timer,
        resolve: (reply) => {
          settle()
          resolve(reply)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      })
      socket.send(JSON.stringify({ ...message, id }))
    })
  }

  /** A request whose answer changes nothing for the page. */
  #tell(message: Request): void {
    this.#request(message, 'default').catch((error: unknown) => {
      if (wireErrorOf(error).code !== 'CLOSED') report(`${message.type} failed`, error)
    })
  }

  #receive(data: unknown): void {
    const message = readMessage(data)
    if (!message) return
    switch (message.type) {
      case 'lab':
        this.#setLab(message.lab)
        return
      case 'entries':
        this.#deliver(message.terminal, message.entries)
        return
      case 'cluster':
        for (const watcher of this.#watchers) watcher(message.snapshot)
        return
      case 'bye':
        // The socket closes next. A server that shuts down takes its labs with it, and must not be
        // asked for a new one any more.
        if (message.reason !== 'shutdown') return
        this.#endWithServer()
        void this.#lose()
        return
      case 'failed':
        this.#refuse(message.id, message.error)
        return
      default:
        this.#pending.get(message.id)?.resolve(message)
    }
  }

  #endWithServer(): void {
    const { lab } = this.#state
    if (!lab) return
    this.#setLab({ ...lab, phase: 'gone', reason: 'server-restarted', idleEndsInMs: null })
  }

  #refuse(id: number | null, error: WireError): void {
    const refusal = new LabError(error.code, error.message, { details: error.details })
    if (id !== null) this.#pending.get(id)?.reject(refusal)
    else report('the server refused a frame', refusal)
  }

  #deliver(terminal: string, entries: readonly TerminalEntry[]): void {
    const attachment = this.#attachments.get(terminal)
    if (!attachment) return
    const fresh = entries.filter((entry) => entry.seq > attachment.lastSeq)
    const last = fresh.at(-1)
    if (!last) return
    attachment.lastSeq = last.seq
    attachment.listener.onEntries(fresh)
  }

  async #attach(attachment: Attachment): Promise<void> {
    if (attachment.attached || this.#state.lab?.phase !== 'ready') return
    if (this.#state.connection !== 'open') return
    attachment.attached = true
    const after = attachment.lastSeq
    try {
      const request = { type: 'terminal.attach', terminal: attachment.id, after } as const
      const reply = await this.#request(request, 'default')
      if (reply.type !== 'attached') throw unexpected(reply)
      const fresh = after === 0 || reply.lastSeq < after
      if (fresh) attachment.lastSeq = 0
      const { running, history } = reply
      attachment.listener.onAttached({ running, history, fresh })
    } catch (error) {
      attachment.attached = false
      attachment.listener.onFailed(wireErrorOf(error))
    }
  }

  #syncWatch(): void {
    const on = this.#watchers.size > 0 && this.#visible
    const possible = this.#state.connection === 'open' && this.#state.lab?.phase === 'ready'
    if (!possible || on === this.#watching) return
    this.#watching = on
    this.#tell({ type: 'cluster.watch', on })
  }

  /** Waits also while the connection is made again, as after a restart of the server. */
  #whenOpen(): Promise<void> {
    if (this.#state.connection === 'open') return Promise.resolve()
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        stop()
        reject(new LabError('CLOSED', 'the lab server does not answer'))
      }
      const limit = setTimeout(giveUp, openMs)
      const stop = this.subscribe(({ connection }) => {
        if (connection === 'connecting' || connection === 'lost') return
        clearTimeout(limit)
        if (connection !== 'open') {
          giveUp()
          return
        }
        stop()
        resolve()
      })
      this.check()
      this.open()
    })
  }
}

function livesOn(lab: LabState | null): boolean {
  return lab !== null && lab.phase !== 'gone'
}

function unexpected(reply: ServerMessage): LabError {
  return new LabError('INTERNAL', `the lab server answered with ${reply.type}`)
}

/** Anything that was thrown, in the shape that views look hints up by. */
export function wireErrorOf(error: unknown): WireError {
  if (error instanceof LabError) {
    return { code: error.code, message: error.message, details: { ...error.details } }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'INTERNAL', message, details: {} }
}

function readMessage(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null
  try {
    const parsed = serverMessage.safeParse(JSON.parse(data))
    if (parsed.success) return parsed.data
    // A newer server may send what this page does not know yet.
    report('passed over an unknown message', parsed.error)
  } catch (error) {
    report('passed over a frame that is not JSON', error)
  }
  return null
}
