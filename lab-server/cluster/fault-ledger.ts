import { type FaultRecord, LabError } from '../../protocol/index.ts'
import {
  beginMeasurement,
  endMeasurement,
  type FaultStart,
  type Measurement,
} from './fault-measurement.ts'

const kept = 50
const keptMs = 10 * 60_000

/** The faults of the last ten minutes, what is measured after each, and who waits for that. */
export class FaultLedger {
  #measurements: readonly Measurement[] = []
  #lastId = 0
  readonly #waiting = new Map<number, Set<(record: FaultRecord) => void>>()

  /** Oldest first. */
  records(): FaultRecord[] {
    return this.#measurements.map(({ record }) => ({ ...record }))
  }

  record(id: number): FaultRecord {
    const found = this.#measurements.find(({ start }) => start.id === id)
    if (found !== undefined) return { ...found.record }
    throw new LabError('INTERNAL', `There is no record of fault ${id}`)
  }

  active(): Measurement[] {
    return this.#measurements.filter(({ record }) => record.measuring)
  }

  begin(start: Omit<FaultStart, 'id'>): number {
    this.#lastId += 1
    const measurement = beginMeasurement({ ...start, id: this.#lastId })
    this.#measurements = [...this.#measurements, measurement]
      .filter((each) => each.record.measuring || start.zero - each.start.zero < keptMs)
      .slice(-kept)
    return this.#lastId
  }

  /** Changes every measurement that runs; true when one saw what it was waiting for. */
  measure(change: (measurement: Measurement) => Measurement): boolean {
    let news = false
    this.#measurements = this.#measurements.map((before) => {
      const after = before.record.measuring ? change(before) : before
      news ||= after.record.newLeader !== before.record.newLeader
      news ||= after.record.writeGapMs !== before.record.writeGapMs
      return after
    })
    return news
  }

  end(id: number): void {
    this.#measurements = this.#measurements.map((each) => {
      return each.start.id === id ? endMeasurement(each) : each
    })
    const record = this.record(id)
    for (const done of this.#waiting.get(id) ?? []) done(record)
    this.#waiting.delete(id)
  }

  /** Resolves with the record once its measurement has ended, or as it is when `signal` aborts. */
  ended(id: number, signal?: AbortSignal): Promise<FaultRecord> {
    return new Promise((resolve) => {
      const now = this.record(id)
      if (!now.measuring || signal?.aborted === true) {
        resolve(now)
        return
      }
      const waiters = this.#waiting.get(id) ?? new Set()
      const done = (record: FaultRecord): void => {
        waiters.delete(done)
        signal?.removeEventListener('abort', giveUp)
        resolve(record)
      }
      const giveUp = (): void => {
        done(this.record(id))
      }
      signal?.addEventListener('abort', giveUp)
      this.#waiting.set(id, waiters.add(done))
    })
  }
}
