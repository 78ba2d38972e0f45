import { LabError } from '../../../protocol/index.ts'
import type { CallOptions } from '../../etcd/etcd-calls.ts'
import { EtcdClient } from '../../etcd/etcd-client.ts'
import { countServices } from '../count-services.ts'
import { checkInstance, checkServiceId, notRegistered } from '../instance.ts'
import { ttlProblem } from '../instance-rules.ts'
import type {
  Registration,
  Registry,
  RegistryChange,
  ServiceId,
  ServiceInstance,
} from '../registry.ts'
import { formatServiceId, instanceKey, rpcRoot, servicePrefix } from '../service-key.ts'
import { toDiscovery } from '../view.ts'
import { startHeartbeat, wallClock, type ProcessScheduler, type WallClock } from './heartbeat.ts'
import { limitCalls } from './limited-etcd.ts'
import { allNaiveFaults, type NaiveFault } from './naive-fault.ts'
import { limitReached, type NaiveLimits } from './naive-limits.ts'
import type { NaiveDiscovery, NaiveRegistry } from './naive-port.ts'
import { NaiveProvider } from './naive-provider.ts'
import type { NaiveTools } from './naive-tools.ts'
import { NaiveView } from './naive-view.ts'

export interface NaiveRegistryOptions {
  /** Closed by whoever made it, after the registry. */
  readonly client: EtcdClient
  /** All by default. A fault that is off is done right, in the simplest form that is right. */
  readonly faults?: ReadonlySet<NaiveFault>
  /** Told of what goes wrong in the background, as far as the faults let anybody know. */
  readonly onTrouble?: (error: LabError) => void
  readonly clock?: WallClock
  /** Milliseconds; 10 s by default. */
  readonly heartbeatMs?: number
  /** That of its process; absent = it is the only registry there. */
  readonly scheduler?: ProcessScheduler
  /** None by default, as in the original. What is refused rejects with `NAIVE_LIMIT`. */
  readonly limits?: NaiveLimits
}

const defaultTtlSeconds = 30
const defaultHeartbeatMs = 10_000
/** Milliseconds. What is not deleted then expires with its lease. */
const closeMs = 1000
/** As long as a timer can wait: 24 days. */
const noDeadline = { deadlineMs: 2 ** 31 - 1 }

/**
 * The behaviour of the original Java registry, written anew from its description, with each of its
 * faults (naive-fault.ts) on or off. For teaching and for tests; nothing else should use it.
 */
export function createNaiveRegistry(options: NaiveRegistryOptions): NaiveRegistry {
  return new NaiveEtcdRegistry(options)
}

class NaiveEtcdRegistry implements NaiveRegistry {
  readonly #tools: NaiveTools
  readonly #provider: NaiveProvider
  readonly #views = new Map<string, NaiveView>()
  readonly #closing = new AbortController()
  readonly #stopHeartbeat: () => void
  /** A connection of its own, and to one member only. */
  readonly #only: EtcdClient | null
  #closed: Promise<void> | null = null

  constructor(options: NaiveRegistryOptions) {
    const { client, faults = allNaiveFaults, limits, onTrouble = () => undefined } = options
    const has = (fault: NaiveFault) => faults.has(fault)
    // Fault 18: of all registries of a process the first has the scheduler, and the others fail.
    if (has('global-scheduler')) options.scheduler?.start()
    // Fault 17: of all members only the first is ever asked.
    this.#only = has('one-endpoint')
      ? new EtcdClient({ endpoints: client.endpoints.slice(0, 1), namespace: client.namespace })
      : null
    const { signal } = this.#closing
    // Fault 14: a call waits as long as it takes.
    const calls = { signal, ...(has('no-deadline') && noDeadline) }
    const all = this.#only ?? client
    const etcd = limits ? limitCalls(all, limits.calls) : all
    const admitWatches = (more: number) => this.#admitWatches(more, limits)
    this.#tools = { etcd, has, calls, admitWatches, onTrouble }
    this.#provider = new NaiveProvider(this.#tools)
    const stop = startHeartbeat({
      periodMs: options.heartbeatMs ?? defaultHeartbeatMs,
      clock: options.clock ?? wallClock,
      aligned: has('aligned-ticks'),
      overlapping: has('global-scheduler'),
      ...(limits && {
        mostBeats: limits.beats,
        onLeftOut: () => onTrouble(limitReached('beats', limits.beats)),
      }),
      beat: () => this.#provider.beat(),
    })
    this.#stopHeartbeat = () => {
      stop()
      if (has('global-scheduler')) options.scheduler?.stop()
    }
  }

  async register(
    input: ServiceInstance,
    options: { ttlSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<Registration> {
    this.#checkOpen()
    const ttlSeconds = options.ttlSeconds ?? defaultTtlSeconds
    const instance = this.#check(input, ttlSeconds)
    return this.#provider.register(instance, ttlSeconds, this.#callsUntil(options.signal))
  }

  async deregister(instance: ServiceInstance): Promise<void> {
    this.#checkOpen()
    await this.#provider.deregister(instanceKey(instance))
  }

  async discover(service: ServiceId): Promise<NaiveDiscovery> {
    this.#checkOpen()
    const view = this.#viewOf(service)
    const { cached } = view
    if (cached) return { ...toDiscovery(cached), from: 'cache' }
    return { ...toDiscovery(await view.fetch()), from: 'etcd' }
  }

  /** The original had nothing of the kind, and so no faults either. */
  async services(): ReturnType<Registry['services']> {
    this.#checkOpen()
    const { etcd, calls } = this.#tools
    const { kvs, header } = await etcd.range({ prefix: rpcRoot, keysOnly: true }, calls)
    return { services: countServices(kvs), revision: header.revision }
  }

  async *watch(
    service: ServiceId,
    options: { signal: AbortSignal; fromRevision?: string },
  ): AsyncGenerator<RegistryChange, void, undefined> {
    this.#checkOpen()
    yield* this.#viewOf(service).changes(options.signal, options.fromRevision)
  }

  registrations(): readonly Registration[] {
    return this.#provider.registrations()
  }

  watched(): readonly string[] {
    return [...this.#views.values()].flatMap((view) => view.watched())
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#stopHeartbeat()
    this.#closing.abort(new LabError('CLOSED', 'the registry is closed'))
    await this.#provider.close(closeMs)
    this.#only?.close()
  }

  /** Fault 20: what comes is what is written. */
  #check(input: ServiceInstance, ttlSeconds: number): ServiceInstance {
    if (this.#tools.has('no-validation')) return input
    const instance = checkInstance(input)
    const problem = ttlProblem(ttlSeconds)
    if (problem) throw notRegistered([problem])
    return instance
  }

  /** Fault 14: whoever no longer wants to wait has to all the same. */
  #callsUntil(signal: AbortSignal | undefined): CallOptions {
    const { calls, has } = this.#tools
    if (signal === undefined || has('no-deadline')) return calls
    return { ...calls, signal: AbortSignal.any([calls.signal, signal]) }
  }

  #viewOf(service: ServiceId): NaiveView {
    if (!this.#tools.has('no-validation')) checkServiceId(service)
    const key = formatServiceId(service)
    const view = this.#views.get(key) ?? new NaiveView(this.#tools, servicePrefix(service))
    this.#views.set(key, view)
    return view
  }

  #admitWatches(more: number, limits: NaiveLimits | undefined): void {
    if (limits && this.watched().length + more > limits.watches)
      throw limitReached('watches', limits.watches)
  }

  #checkOpen(): void {
    if (this.#closed !== null) throw new LabError('CLOSED', 'the registry is closed')
  }
}
