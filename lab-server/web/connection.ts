import type { WebSocket } from 'ws'
import { type ClientMessage, LabError, limits, type ServerMessage } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Labs } from '../lab/labs.ts'
import { createTokenBucket, type TokenBucket } from '../lab/token-bucket.ts'
import type { Logger } from '../logger.ts'
import { Outbox } from './outbox.ts'
import { readFrame } from './read-frame.ts'
import { type ServerFacts, Session } from './session.ts'

export interface ConnectionOptions {
  readonly labs: Labs
  readonly facts: ServerFacts
  readonly clock: Clock
  readonly logger: Logger
}

/** Messages a browser may send: at once, and per second after that. */
const messageRate = { burst: 100, perSecond: 30 }
/** Refused frames (malformed, too large, too many) before the connection is ended. */
const refusalRate = { burst: 30, perSecond: 1 }
/** A browser that is silent for two of these is gone, milliseconds. */
const heartbeatMs = 15_000
/** A browser that does not answer the close in this time is cut off, milliseconds. */
const closeMs = 2000

/** Close codes: RFC 6455, 7.4.1, and the registry it founds. */
const closeCodes = { normal: 1000, goingAway: 1001, policy: 1008, tryLater: 1013 } as const

type ByeReason = Extract<ServerMessage, { type: 'bye' }>['reason']

/** One WebSocket, from its upgrade to its end: who may speak, how often, and is it still there. */
export class Connection {
  readonly #socket: WebSocket
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #outbox: Outbox
  readonly #session: Session
  readonly #messages: TokenBucket
  readonly #refusals: TokenBucket
  #cancelHello: () => void
  #cancelHeartbeat: () => void = () => {}
  #cancelCutOff: () => void = () => {}
  #alive = true
  #ended = false

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket
    this.#clock = options.clock
    this.#logger = options.logger
    this.#outbox = new Outbox({
      wire: {
        get bufferedAmount() {
          return socket.bufferedAmount
        },
        send: (data, sent) => socket.send(data, sent),
      },
      onSlow: () => this.bye('slow'),
    })
    this.#session = new Session({ ...options, outbox: this.#outbox })
    this.#messages = createTokenBucket({ ...messageRate, clock: this.#clock })
    this.#refusals = createTokenBucket({ ...refusalRate, clock: this.#clock })
    this.#cancelHello = this.#clock.after(limits.helloMs, () => this.#missHello())
    this.#listen()
    this.#beat()
  }

  /** Tells the browser why, and ends the connection. */
  bye(reason: ByeReason): void {
    if (this.#ended) return
    this.#socket.send(JSON.stringify({ type: 'bye', reason } satisfies ServerMessage))
    const codes = { shutdown: 'goingAway', protocol: 'policy', slow: 'tryLater' } as const
    this.#end(closeCodes[codes[reason]], reason)
  }

  /** Without a word. */
  terminate(): void {
    this.#socket.terminate()
  }

  #listen(): void {
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    this.#socket.on('pong', () => {
      this.#alive = true
    })
    // ws closes the connection itself after a protocol error (too large: 1009, not UTF-8: 1007).
    this.#socket.on('error', (error) =>
      this.#logger.debug('connection failed', { error: error.message }),
    )
    this.#socket.on('close', () => this.#release())
  }

  #receive(data: Buffer | ArrayBuffer | readonly Buffer[], isBinary: boolean): void {
    // Frames that were on their way when the connection was ended.
    if (this.#ended || !Buffer.isBuffer(data)) return
    this.#alive = true
    if (!this.#messages.tryTake(1)) {
      const details = { retryAfterMs: this.#messages.waitMs() }
      this.#refuse(null, new LabError('RATE_LIMIT', 'Too many messages', { details }))
      return
    }
    const frame = readFrame(data, isBinary)
    if (!frame.ok) this.#refuse(frame.id, frame.error)
    else if (frame.message.type === 'hello' || this.#session.greeted) this.#pass(frame.message)
    else {
      this.#refuse(
        frame.message.id,
        new LabError('HELLO_REQUIRED', 'The first message must be hello'),
      )
      this.#end(closeCodes.policy, 'hello required')
    }
  }

  #pass(message: ClientMessage): void {
    if (message.type === 'hello') this.#cancelHello()
    this.#session.handle(message)
  }

  #refuse(id: number | null, error: LabError): void {
    this.#session.refuse(id, error)
    if (error.code === 'PROTOCOL_VERSION') this.bye('protocol')
    else if (!this.#refusals.tryTake(1)) this.#endForGarbage()
  }

  #endForGarbage(): void {
    this.#session.refuse(null, new LabError('RATE_LIMIT', 'Too many refused messages; goodbye'))
    this.#end(closeCodes.policy, 'too many refused messages')
  }

  #missHello(): void {
    const message = `No hello came within ${limits.helloMs} ms`
    this.#session.refuse(null, new LabError('HELLO_REQUIRED', message))
    this.#end(closeCodes.policy, 'hello required')
  }

  /** Notices a browser that vanished without closing: a lid that was shut, a network that is gone. */
  #beat(): void {
    this.#cancelHeartbeat = this.#clock.after(heartbeatMs, () => {
      if (!this.#alive) {
        this.#logger.debug('connection is half open')
        this.#socket.terminate()
        return
      }
      this.#alive = false
      this.#socket.ping()
      this.#beat()
    })
  }

  #end(code: number, reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#session.close()
    this.#outbox.close()
    this.#socket.close(code, reason)
    this.#cancelCutOff = this.#clock.after(closeMs, () => this.#socket.terminate())
  }

  #release(): void {
    this.#ended = true
    this.#cancelHello()
    this.#cancelHeartbeat()
    this.#cancelCutOff()
    this.#session.close()
    this.#outbox.close()
  }
}
