import { LabError, limits } from '../../protocol/index.ts'
import { callProvider, type CallOptions } from './call-provider.ts'
import { ProviderChild } from './provider-child.ts'
import type { CallOutcome, Provider, ProviderControl, ProviderStart } from './provider-control.ts'

export interface ProcessControlOptions {
  /** The lab's directory, absolute: the reaper ends whatever names it. */
  readonly dir: string
  /** The members of the lab, as etcd writes URLs. */
  readonly endpoints: readonly string[]
  /** Stands before every key of theirs in etcd; default: nothing. */
  readonly namespace?: string
  /** Told of a provider that ended although nobody asked for it. */
  readonly onTrouble: (error: LabError) => void
}

/** Ended providers whose addresses are still known, so that a call can say whose they were. */
const rememberedProviders = 100

/** Providers as child processes of the server. */
export function createProcessControl(options: ProcessControlOptions): ProviderControl {
  return new ProcessControl(options)
}

class ProcessControl implements ProviderControl {
  readonly #options: ProcessControlOptions
  /** By name, in the order of their start; ended ones among them. */
  readonly #children = new Map<string, ProviderChild>()
  #started = 0
  /** Starts that wait for their turn; they have their place already. */
  #waiting = 0
  #turn: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | null = null

  constructor(options: ProcessControlOptions) {
    this.#options = options
  }

  list(): readonly Provider[] {
    return this.#alive().map((child) => child.view())
  }

  room(): number {
    return limits.providers - this.#alive().length - this.#waiting
  }

  async start(wanted: ProviderStart, options: { signal?: AbortSignal } = {}): Promise<Provider> {
    this.#checkOpen()
    this.#checkRoom()
    this.#waiting += 1
    const started = this.#turn.then(() => this.#startNow(wanted, options.signal))
    this.#turn = started.catch(() => undefined)
    return await started
  }

  /** One at a time: each finds the compiled code that the one before it left behind. */
  async #startNow(wanted: ProviderStart, signal: AbortSignal | undefined): Promise<Provider> {
    this.#waiting -= 1
    this.#checkOpen()
    if (signal?.aborted === true) {
      throw new LabError('INTERRUPTED', 'The start of a provider was interrupted')
    }
    this.#started += 1
    const name = `p${this.#started}`
    const child = new ProviderChild({ ...this.#options, ...wanted, name })
    this.#children.set(name, child)
    this.#forgetOldest()
    try {
      await child.untilServes(signal)
    } catch (error) {
      // It was never registered under an address that anybody could call.
      this.#children.delete(name)
      this.#checkOpen()
      throw error
    }
    return child.view()
  }

  async kill(name: string): Promise<void> {
    await this.#find(name).kill()
  }

  async pause(name: string): Promise<void> {
    await this.#find(name).pause()
  }

  async resume(name: string): Promise<void> {
    await this.#find(name).resume()
  }

  async drain(name: string): Promise<{ readonly deregistered: boolean }> {
    return { deregistered: await this.#find(name).drain() }
  }

  async call(address: string, options: CallOptions): Promise<CallOutcome> {
    options.signal.throwIfAborted()
    // A port may have been used before: the newest provider there is the one that counts.
    const child = [...this.#children.values()].findLast((each) => each.view().address === address)
    if (child === undefined) return { kind: 'stranger' }
    const { name } = child.view()
    if (!child.alive || child.port === null) return { kind: 'gone', provider: name }
    return await callProvider(name, child.port, options)
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce()
    return this.#closed
  }

  async #closeOnce(): Promise<void> {
    await Promise.all(this.#alive().map((child) => child.end()))
  }

  #alive(): ProviderChild[] {
    return [...this.#children.values()].filter((child) => child.alive)
  }

  #forgetOldest(): void {
    if (this.#children.size <= rememberedProviders) return
    const oldest = [...this.#children].find(([, child]) => !child.alive)
    if (oldest !== undefined) this.#children.delete(oldest[0])
  }

  #find(name: string): ProviderChild {
    this.#checkOpen()
    const child = this.#children.get(name)
    if (child?.alive === true) return child
    throw new LabError('NO_SUCH_PROVIDER', `There is no provider ${name}`, {
      details: { provider: name },
    })
  }

  #checkRoom(): void {
    if (this.room() > 0) return
    const max = limits.providers
    throw new LabError('PROVIDER_LIMIT', `A lab has at most ${max} providers at once`, {
      details: { max },
    })
  }

  #checkOpen(): void {
    if (this.#closed !== null) throw new LabError('CLOSED', 'The providers are closed')
  }
}
