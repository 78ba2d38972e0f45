import { WebSocket } from 'ws'
import {
  LabError,
  protocolVersion,
  serverMessage,
  type ClientMessage,
  type LabState,
  type ServerMessage,
  type TerminalEntry,
} from '../../protocol/index.ts'
import type { LabAddress } from './lab-server.ts'
import { waitFor } from './wait-for.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** A request without its id, which the client gives. */
export type Request = WithoutId<ClientMessage>
type Reply<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>

export interface ConnectOptions {
  /** Default: the origin of the server's own pages. */
  readonly origin?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Closing {
  readonly code: number
  readonly reason: string
}

const answerMs = 40_000

/** A browser tab, reduced to the protocol. Every frame from the server is checked by its schema. */
export class WsClient {
  /** Everything that came, in order. */
  readonly received: ServerMessage[] = []
  readonly socket: WebSocket
  readonly #closed: Promise<Closing>
  #nextId = 1

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      if (!Buffer.isBuffer(data)) throw new Error('expected one buffer a message')
      this.received.push(serverMessage.parse(JSON.parse(data.toString())))
    })
    // What went wrong shows in the close code.
    socket.on('error', () => undefined)
    this.#closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
  }

  /** Opens the socket; says nothing yet. Rejects with the status line when the server refuses. */
  static async open(server: LabAddress, options: ConnectOptions = {}): Promise<WsClient> {
    const socket = new WebSocket(server.socketUrl, {
      origin: options.origin ?? new URL(server.url).origin,
      headers: { ...options.headers },
    })
    const client = new WsClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return client
  }

  /** Opens the socket and says hello. */
  static async connect(server: LabAddress, token: string | null = null): Promise<WsClient> {
    const client = await WsClient.open(server)
    await client.hello(token)
    return client
  }

  /** Resolves when the connection has ended. */
  closed(): Promise<Closing> {
    return this.#closed
  }

  isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.#closed
  }

  sendRaw(data: string | Buffer): void {
    this.socket.send(data)
  }

  /** Sends a request; resolves with its answer, also when that is `failed`. */
  async ask(request: Request): Promise<ServerMessage> {
    const id = this.#nextId
    this.#nextId += 1
    this.sendRaw(JSON.stringify({ ...request, id }))
    return await this.waitForMessage(
      `the answer to ${request.type}`,
      (message) => 'id' in message && message.id === id,
    )
  }

  /** Sends a request; rejects with the server's error unless the answer is of that type. */
  async request<T extends ServerMessage['type']>(type: T, request: Request): Promise<Reply<T>> {
    const answer = await this.ask(request)
    if (isReply(answer, type)) return answer
    if (answer.type !== 'failed') throw new Error(`expected ${type}, got ${answer.type}`)
    const { code, message, details } = answer.error
    throw new LabError(code, message, { details })
  }

  async hello(token: string | null = null): Promise<Reply<'welcome'>> {
    const locale = 'en' as const
    return await this.request('welcome', {
      type: 'hello',
      protocol: protocolVersion,
      token,
      locale,
    })
  }

  /** Presses the button and waits until the lab is ready; returns its token. */
  async createLab(): Promise<string> {
    const { token } = await this.request('created', { type: 'lab.create' })
    await this.waitForPhase('ready')
    return token
  }

  /** The newest state of the lab that came. */
  lab(): LabState | null {
    const states = this.received.flatMap((message) => ('lab' in message ? [message.lab] : []))
    return states.at(-1) ?? null
  }

  async waitForPhase(phase: LabState['phase']): Promise<LabState> {
    await waitFor(
      `a lab that is ${phase}`,
      () => this.lab()?.phase === phase || JSON.stringify(this.lab()),
      { timeoutMs: answerMs },
    )
    const state = this.lab()
    if (state === null) throw new Error('the lab is gone')
    return state
  }

  /** The first message that matches, also when it came before. */
  async waitForMessage(
    what: string,
    matches: (message: ServerMessage) => boolean,
  ): Promise<ServerMessage> {
    const find = () => this.received.find((message) => matches(message))
    await waitFor(what, () => find() !== undefined || this.#describeLast(), {
      timeoutMs: answerMs,
      everyMs: 5,
    })
    const found = find()
    if (found === undefined) throw new Error(`${what} is gone`)
    return found
  }

  /** Attaches a terminal; its entries are read with `entries`. */
  async attach(terminal = 't1', after = 0): Promise<Reply<'attached'>> {
    return await this.request('attached', { type: 'terminal.attach', terminal, after })
  }

  /** All entries of a terminal that came, in the order they came. */
  entries(terminal = 't1'): readonly TerminalEntry[] {
    return this.received.flatMap((message) =>
      message.type === 'entries' && message.terminal === terminal ? message.entries : [],
    )
  }

  /** Starts a line without waiting for its end. */
  async start(line: string, terminal = 't1'): Promise<void> {
    const view = { locale: 'en', columns: 100 } as const
    await this.request('done', { type: 'terminal.run', terminal, line, ...view })
  }

  /** Runs a line in an attached terminal to its end. */
  async run(line: string, terminal = 't1'): Promise<{ code: number; text: string }> {
    const before = this.entries(terminal).length
    await this.start(line, terminal)
    const since = () => this.entries(terminal).slice(before)
    const exit = () => since().find((entry) => entry.kind === 'exit')
    await waitFor(`the end of ${line}`, () => exit() !== undefined || textOf(since()), {
      timeoutMs: answerMs,
      everyMs: 5,
    })
    return { code: exit()?.code ?? -1, text: textOf(since()) }
  }

  #describeLast(): string {
    const state = this.isOpen() ? 'open' : 'closed'
    return `${state}; ${JSON.stringify(this.received.at(-1) ?? null).slice(0, 500)}`
  }
}

/** The output among entries. */
export function textOf(entries: readonly TerminalEntry[]): string {
  return entries.map((entry) => (entry.kind === 'output' ? entry.text : '')).join('')
}

function isReply<T extends ServerMessage['type']>(
  message: ServerMessage,
  type: T,
): message is Reply<T> {
  return message.type === type
}
