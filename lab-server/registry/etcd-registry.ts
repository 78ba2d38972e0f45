import { LabError, toLabError } from '../../protocol/index.ts'
import type { EtcdClient } from '../etcd/etcd-client.ts'
import { guardListener } from '../etcd/trouble-listener.ts'
import type { RegistryFacts } from '../telemetry/gauges.ts'
import { countServices } from './count-services.ts'
import { FollowerPool } from './follow/follower-pool.ts'
import { ViewStore } from './follow/view-store.ts'
import { checkInstance, checkServiceId, notRegistered } from './instance.ts'
import { bracketIpv6, ttlProblem } from './instance-rules.ts'
import { ListFlights } from './list-flights.ts'
import type { KeptRegistration } from './provide/kept-registration.ts'
import { Registrar } from './provide/registrar.ts'
import { aboutInstance, aboutNothing, aboutService } from './operation-attributes.ts'
import { registryDefaults } from './registry-defaults.ts'
import { RemovalCauses } from './removal-cause.ts'
import type {
  Discovery,
  FollowedService,
  FollowingRegistry,
  Registration,
  Registry,
  RegistryChange,
  ServiceId,
  ServiceInstance,
} from './registry.ts'
import { formatServiceId, instanceKey, rpcRoot, servicePrefix } from './service-key.ts'
import { SharedWatches } from './shared-watches.ts'
import { watchService, type SharedReading } from './service-watch.ts'
import { toDiscovery } from './view.ts'

export interface EtcdRegistryOptions {
  /** Closed by whoever made it, after the registry. */
  readonly client: EtcdClient
  /** Lease of a registration that does not ask for another. Default 30. */
  readonly ttlSeconds?: number
  /**
   * Told of what goes wrong in the background (a renewal, a re-registration, a release at the end);
   * the registry carries on by itself.
   */
  readonly onTrouble?: (error: LabError) => void
  /** Directory where followed services are kept between processes; none by default. */
  readonly snapshotDir?: string
  /**
   * How long instances that a restored or exchanged etcd does not know stay in a followed view,
   * milliseconds. Default 30 000, the default TTL: a provider that lives is back by then.
   */
  readonly guardMs?: number
  /** After so long without a word of etcd a followed view is stale, milliseconds. Default 5000. */
  readonly staleAfterMs?: number
}

/** How long `close` waits for etcd to confirm; what is not confirmed then expires with its lease. */
const closeMs = 3000

/** A registry in etcd, in the wire format of the Java side. */
export function createEtcdRegistry(options: EtcdRegistryOptions): FollowingRegistry {
  return new EtcdRegistry(options)
}

class EtcdRegistry implements FollowingRegistry {
  readonly #client: EtcdClient
  readonly #ttlSeconds: number
  readonly #onTrouble: (error: LabError) => void
  readonly #registrar: Registrar
  readonly #reading: SharedReading
  readonly #followers: FollowerPool
  readonly #closing = new AbortController()
  readonly #unobserve: () => void
  readonly #handedOut = new WeakSet<KeptRegistration>()
  #closed: Promise<void> | null = null

  constructor(options: EtcdRegistryOptions) {
    const { client, snapshotDir } = options
    const onTrouble = guardListener(options.onTrouble)
    this.#client = client
    this.#ttlSeconds = options.ttlSeconds ?? registryDefaults.ttlSeconds
    this.#onTrouble = onTrouble
    this.#registrar = new Registrar({ client, onTrouble })
    this.#reading = {
      client,
      lists: new ListFlights(client, this.#closing.signal),
      watches: new SharedWatches(client),
      causes: new RemovalCauses(client),
    }
    this.#followers = new FollowerPool({
      ...this.#reading,
      onTrouble,
      store: snapshotDir === undefined ? null : new ViewStore(snapshotDir),
      limits: {
        guardMs: options.guardMs ?? registryDefaults.guardMs,
        staleAfterMs: options.staleAfterMs ?? registryDefaults.staleAfterMs,
      },
    })
    this.#unobserve = client.telemetry.observe(this.#facts)
  }

  async register(
    input: ServiceInstance,
    options: { ttlSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<Registration> {
    this.#checkOpen()
    const instance = checkInstance(input)
    const ttlSeconds = options.ttlSeconds ?? this.#ttlSeconds
    const problem = ttlProblem(ttlSeconds)
    if (problem) throw notRegistered([problem])
    const { telemetry } = this.#client
    const wish = { ttlSeconds, signal: options.signal }
    return telemetry.operation('register', aboutInstance, this.#register, instance, wish)
  }

  readonly #register = async (
    instance: ServiceInstance,
    { ttlSeconds, signal }: { ttlSeconds: number; signal: AbortSignal | undefined },
  ): Promise<Registration> => {
    const key = instanceKey(instance)
    for (let former = this.#registrar.get(key); former; former = this.#registrar.get(key)) {
      if (former.state() !== 'released') return this.#change(former, instance, ttlSeconds)
      // One owner at a time: the former one finishes its release before the next one writes.
      await former.handOver()
      this.#checkOpen()
    }
    return this.#add(instance, ttlSeconds, signal)
  }

  async deregister(instance: ServiceInstance): Promise<void> {
    this.#checkOpen()
    const { telemetry } = this.#client
    return telemetry.operation('deregister', aboutInstance, this.#deregister, instance)
  }

  readonly #deregister = async (instance: ServiceInstance): Promise<void> => {
    const bracketed = { ...instance, serviceHost: bracketIpv6(instance.serviceHost) }
    // Java writes IPv6 without brackets: what was discovered can be removed as it was found.
    const keys = new Set([instanceKey(bracketed), instanceKey(instance)])
    const found = await Promise.all([...keys].map((key) => this.#deregisterKey(key)))
    if (found.includes(true)) return
    const [key = ''] = keys
    throw new LabError('NOT_REGISTERED', `${key} is not in the registry`)
  }

  async discover(service: ServiceId): Promise<Discovery> {
    this.#checkOpen()
    const { telemetry } = this.#client
    return telemetry.operation('discover', aboutService, this.#discover, checkServiceId(service))
  }

  readonly #discover = async (service: ServiceId): Promise<Discovery> => {
    const discovery = toDiscovery(await this.#reading.lists.list(servicePrefix(service)))
    this.#client.telemetry.undecodable(formatServiceId(service), discovery.undecodable.length)
    return discovery
  }

  async services(): ReturnType<Registry['services']> {
    this.#checkOpen()
    return this.#client.telemetry.operation('services', aboutNothing, this.#services)
  }

  readonly #services = async (): ReturnType<Registry['services']> => {
    const { signal } = this.#closing
    const { kvs, header } = await this.#client.range(
      { prefix: rpcRoot, keysOnly: true },
      { signal },
    )
    return { services: countServices(kvs), revision: header.revision }
  }

  async *watch(
    service: ServiceId,
    options: { signal: AbortSignal; fromRevision?: string },
  ): AsyncGenerator<RegistryChange, void, undefined> {
    this.#checkOpen()
    const { fromRevision } = options
    if (fromRevision !== undefined && !/^[1-9]\d{0,18}$/.test(fromRevision))
      throw new LabError('USAGE', `${fromRevision} is no revision, expected what discover gave`)
    yield* watchService({
      ...this.#reading,
      prefix: servicePrefix(checkServiceId(service)),
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
      onTrouble: this.#onTrouble,
      ...(fromRevision !== undefined && { fromRevision }),
    })
  }

  async follow(
    service: ServiceId,
    options: { signal?: AbortSignal } = {},
  ): Promise<FollowedService> {
    this.#checkOpen()
    const { telemetry } = this.#client
    const id = checkServiceId(service)
    return telemetry.operation('follow', aboutService, this.#follow, id, options.signal)
  }

  readonly #follow = (id: ServiceId, signal: AbortSignal | undefined): Promise<FollowedService> =>
    this.#followers.open(id, signal)

  registrations(): readonly Registration[] {
    return this.#registrar.all().filter((each) => each.state() !== 'released')
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(new LabError('CLOSED', 'the registry is closed'))
    this.#unobserve()
    const released = this.#registrar
      .close(closeMs)
      .catch((error: unknown) => this.#onTrouble(toLabError(error)))
    await this.#followers.close()
    await released
  }

  async #change(
    registration: KeptRegistration,
    instance: ServiceInstance,
    ttlSeconds: number,
  ): Promise<Registration> {
    registration.change(instance, ttlSeconds)
    return this.#handOut(registration, instance)
  }

  async #add(
    instance: ServiceInstance,
    ttlSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<Registration> {
    if (signal?.aborted) throw new LabError('INTERRUPTED', 'the registration was interrupted')
    const registration = this.#registrar.add(instanceKey(instance), instance, ttlSeconds)
    const takeBack = () => this.#takeBack(registration, instance)
    signal?.addEventListener('abort', takeBack)
    try {
      return await this.#handOut(registration, instance)
    } finally {
      signal?.removeEventListener('abort', takeBack)
    }
  }

  /** Once it stands as this caller wants it. */
  async #handOut(registration: KeptRegistration, instance: ServiceInstance): Promise<Registration> {
    try {
      await registration.settled()
    } catch (error) {
      this.#takeBack(registration, instance)
      throw error
    }
    this.#handedOut.add(registration)
    return registration
  }

  /**
   * What nobody has a handle on may not appear later, unless a later call for the same key has made
   * it its own.
   */
  #takeBack(registration: KeptRegistration, instance: ServiceInstance): void {
    if (this.#handedOut.has(registration) || registration.instance !== instance) return
    registration.release().catch((failure: unknown) => this.#onTrouble(toLabError(failure)))
  }

  /** True when there was something to remove. */
  async #deregisterKey(key: string): Promise<boolean> {
    const own = this.#registrar.get(key)
    const wasOwn = own !== undefined && own.state() !== 'released'
    if (wasOwn) await own.release()
    return (await this.#deleteKey(key)) || wasOwn
  }

  /**
   * Deletes a key whoever put it. A transaction may be executed twice, and the second time finds
   * nothing: so it is the read before that says whether the key was there, and the compare that
   * keeps a late execution from deleting what has been put since.
   */
  async #deleteKey(key: string): Promise<boolean> {
    const { signal } = this.#closing
    for (let wasThere = false; ; wasThere = true) {
      const { kvs } = await this.#client.range({ key, keysOnly: true }, { signal })
      const [found] = kvs
      if (!found) return wasThere
      const { succeeded } = await this.#client.txn(
        {
          compare: [{ key, target: 'mod', is: '=', value: found.modRevision }],
          success: [{ delete: { key } }],
        },
        { signal },
      )
      if (succeeded) return true
    }
  }

  /** Asked for only while somebody collects metrics. */
  readonly #facts = (): RegistryFacts => ({
    registrations: this.#registrar.all().flatMap((each) => {
      const state = each.state()
      return state === 'released' ? [] : [{ state, leaseId: each.lease().id }]
    }),
    views: this.#followers.facts(),
  })

  #checkOpen(): void {
    if (this.#closed !== null) throw new LabError('CLOSED', 'the registry is closed')
  }
}
