import type {
  ClusterSnapshot,
  LabState,
  ServerMessage,
  TerminalEntry,
} from '../../protocol/index.ts'

/** The sending half of a WebSocket, as far as the outbox needs it. */
export interface Wire {
  /** Bytes handed over and not yet taken by the network. */
  readonly bufferedAmount: number
  /** `sent` is called when the data was handed to the network, or could not be. */
  send(data: string, sent: () => void): void
}

/** Where the entries of a terminal come from: it keeps them, so nobody else has to. */
export interface EntrySource {
  entriesAfter(seq: number, maxBytes: number): readonly TerminalEntry[]
}

export interface OutboxOptions {
  readonly wire: Wire
  /** Replies pile up because the browser does not read. Called once. */
  readonly onSlow: () => void
}

interface Cursor {
  readonly source: EntrySource
  seq: number
}

/** Above this nothing more is pushed until the network has taken some of it, bytes. */
const pushBelow = 128 * 1024
/** A browser that lets this much of replies pile up is cut off, bytes. */
const slowAbove = 1024 * 1024
/** Entries of one frame, bytes. */
const entriesBytes = 64 * 1024

/**
 * What goes to one browser. Replies are sent as they come. Everything else is pulled when the
 * network has room: of lab states and snapshots only the newest counts, and the entries of
 * terminals are fetched from where they are kept, after the last one sent. So a slow browser costs
 * the server no memory and no other browser anything.
 */
export class Outbox {
  readonly #wire: Wire
  readonly #onSlow: () => void
  readonly #cursors = new Map<string, Cursor>()
  #lab: LabState | null = null
  #snapshot: ClusterSnapshot | null = null
  #scheduled = false
  #slow = false
  #closed = false

  constructor(options: OutboxOptions) {
    this.#wire = options.wire
    this.#onSlow = options.onSlow
  }

  reply(message: ServerMessage): void {
    if (this.#closed) return
    this.#send(message)
    if (this.#wire.bufferedAmount <= slowAbove || this.#slow) return
    this.#slow = true
    this.#onSlow()
  }

  pushLab(lab: LabState): void {
    this.#lab = lab
    this.#schedule()
  }

  pushSnapshot(snapshot: ClusterSnapshot): void {
    this.#snapshot = snapshot
    this.#schedule()
  }

  /** No snapshot is sent after this, not even one that waits. */
  dropSnapshot(): void {
    this.#snapshot = null
  }

  /** Sends the entries of `terminal` after `seq`, now and whenever `wake` is called. */
  follow(terminal: string, source: EntrySource, seq: number): void {
    this.#cursors.set(terminal, { source, seq })
    this.#schedule()
  }

  unfollow(terminal: string): void {
    this.#cursors.delete(terminal)
  }

  /** There may be new entries. */
  wake(): void {
    this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#cursors.clear()
    this.#lab = null
    this.#snapshot = null
  }

  /** Not at once: what the same event brings later is sent together, and after the reply to it. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    while (!this.#closed && this.#wire.bufferedAmount < pushBelow) {
      const message = this.#next()
      if (message === null) return
      this.#send(message)
    }
  }

  #next(): ServerMessage | null {
    const lab = this.#lab
    if (lab !== null) {
      this.#lab = null
      return { type: 'lab', lab }
    }
    return this.#nextEntries() ?? this.#nextSnapshot()
  }

  #nextSnapshot(): ServerMessage | null {
    const snapshot = this.#snapshot
    this.#snapshot = null
    return snapshot === null ? null : { type: 'cluster', snapshot }
  }

  #nextEntries(): ServerMessage | null {
    for (const [terminal, cursor] of this.#cursors) {
      const entries = cursor.source.entriesAfter(cursor.seq, entriesBytes)
      const last = entries.at(-1)
      if (last === undefined) continue
      cursor.seq = last.seq
      // To the end of the line: a terminal that never stops must not starve the others.
      this.#cursors.delete(terminal)
      this.#cursors.set(terminal, cursor)
      return { type: 'entries', terminal, entries: [...entries] }
    }
    return null
  }

  #send(message: ServerMessage): void {
    this.#wire.send(JSON.stringify(message), () => this.#schedule())
  }
}
