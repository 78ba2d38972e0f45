import type { EtcdClient } from '../etcd/etcd-client.ts'
import { pause } from '../etcd/pause.ts'
import { listService } from './list-service.ts'
import type { ServiceView } from './view.ts'

/** A list that takes longer is in trouble, and those who came after it are not to share that. */
const patienceMs = 150

/**
 * Lists a service once for all who ask at the same time. Whoever asks is answered by a Range that
 * was sent after that: what was written before is in it. So a Range under way takes nobody along;
 * those who come meanwhile share the next one, which is sent when it has been answered.
 */
export class ListFlights {
  readonly #client: EtcdClient
  readonly #signal: AbortSignal
  /** By prefix: those that have not been sent yet. */
  readonly #boarding = new Map<string, Promise<ServiceView>>()
  /** By prefix: the last one that was sent and has not been answered. */
  readonly #sent = new Map<string, Promise<unknown>>()

  /** When `signal` aborts every list rejects with its reason. */
  constructor(client: EtcdClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
  }

  /** Everything under the prefix, not older than this call. Rejects like `EtcdClient.range`. */
  list(prefix: string): Promise<ServiceView> {
    const boarding = this.#boarding.get(prefix)
    if (boarding) return boarding
    const flight = this.#fly(prefix)
    this.#boarding.set(prefix, flight)
    return flight
  }

  async #fly(prefix: string): Promise<ServiceView> {
    await this.#untilClear(prefix)
    this.#boarding.delete(prefix)
    const answer = listService(this.#client, prefix, { signal: this.#signal })
    this.#sent.set(prefix, answer)
    try {
      return await answer
    } finally {
      if (this.#sent.get(prefix) === answer) this.#sent.delete(prefix)
    }
  }

  /** At the earliest when everybody who asks in this very moment has done so. */
  async #untilClear(prefix: string): Promise<void> {
    const sent = this.#sent.get(prefix)
    if (sent === undefined) return
    const answered = new AbortController()
    const settle = () => answered.abort()
    sent.then(settle, settle)
    await pause(patienceMs, AbortSignal.any([answered.signal, this.#signal]))
  }
}
