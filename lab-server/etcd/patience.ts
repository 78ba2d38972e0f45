/**
 * How long an answer may take before it is worth asking what is wrong: the usual time and its
 * spread, as TCP estimates its retransmission timeout (RFC 6298), for each kind of call. Never
 * below `floorMs`, so that a fast cluster is not suspected for one slow answer.
 */
export class Patience {
  readonly #floorMs: number
  readonly #usual = new Map<string, { mean: number; spread: number }>()

  constructor(floorMs: number) {
    this.#floorMs = floorMs
  }

  /** Milliseconds. */
  of(kind: string): number {
    const usual = this.#usual.get(kind)
    if (usual === undefined) return this.#floorMs
    return Math.min(Math.max(usual.mean + 4 * usual.spread, this.#floorMs), longestMs)
  }

  learn(kind: string, tookMs: number): void {
    const usual = this.#usual.get(kind)
    if (usual === undefined) {
      this.#usual.set(kind, { mean: tookMs, spread: tookMs / 2 })
      return
    }
    usual.spread += (Math.abs(tookMs - usual.mean) - usual.spread) / 4
    usual.mean += (tookMs - usual.mean) / 8
  }
}

const longestMs = 2000
