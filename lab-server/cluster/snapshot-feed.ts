import type { ClusterSnapshot } from '../../protocol/index.ts'
import type { Clock } from './clock.ts'

/** Least pause between two snapshots, milliseconds: of facts that changed, of figures that moved. */
const pauseMs = { facts: 15, figures: 100 } as const
/** Facts that belong together come within this time of each other. */
const gatherMs = 2

/** Sends snapshots to whoever listens: soon after a change, and not too often. */
export class SnapshotFeed {
  readonly #clock: Clock
  readonly #build: () => ClusterSnapshot
  readonly #listeners = new Set<(snapshot: ClusterSnapshot) => void>()
  #cancel: () => void = () => undefined
  #due = Infinity
  #sentAt = -Infinity

  constructor(clock: Clock, build: () => ClusterSnapshot) {
    this.#clock = clock
    this.#build = build
  }

  get watched(): boolean {
    return this.#listeners.size > 0
  }

  add(listener: (snapshot: ClusterSnapshot) => void): void {
    this.#listeners.add(listener)
  }

  remove(listener: (snapshot: ClusterSnapshot) => void): void {
    this.#listeners.delete(listener)
  }

  /** Something changed: a snapshot is due. */
  changed(what: keyof typeof pauseMs): void {
    if (!this.watched) return
    const now = this.#clock.now()
    const due = Math.max(now + gatherMs, this.#sentAt + pauseMs[what])
    if (due >= this.#due) return
    this.#cancel()
    this.#due = due
    this.#cancel = this.#clock.after(due - now, () => {
      this.#send()
    })
  }

  close(): void {
    this.#cancel()
    this.#listeners.clear()
  }

  #send(): void {
    this.#due = Infinity
    this.#sentAt = this.#clock.now()
    const snapshot = this.#build()
    for (const listener of this.#listeners) listener(snapshot)
  }
}
