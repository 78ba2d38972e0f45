import { decodeInstance } from '../../lab-server/registry/codec.ts'
import type {
  FollowingRegistry,
  Registration,
  ServiceId,
} from '../../lab-server/registry/registry.ts'
import { parseInstanceKey, servicePrefix } from '../../lab-server/registry/service-key.ts'
import type { RegistryWorld } from '../helpers/registry-world.ts'
import type { SecuredEtcd } from '../helpers/secured-etcd.ts'
import type { SeededRandom } from '../helpers/seeded-random.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { ttls } from './bounds.ts'
import type { Trial } from './history.ts'
import { Recorder } from './recorder.ts'

interface Provider {
  readonly port: number
  readonly registry: FollowingRegistry
  readonly registration: Registration
  /** When a fault last chose it, on the clock of the recorder. */
  touchedAt: number
}

interface ProcessProvider {
  readonly port: number
  readonly ttlMs: number
  kill(): Promise<void>
  pause(): void
  resume(): void
}

export interface StageOptions {
  readonly world: RegistryWorld<FollowingRegistry>
  readonly secured: SecuredEtcd
  readonly random: SeededRandom
}

const service: ServiceId = { name: 'Faults', version: '1.0' }
const fewestProviders = 3
/** Milliseconds; whoever has kept its key for so long puts a lost one back at once. */
const calmMs = 10_000
/** Until the stage is given up; how long it may take is for the checker to say. */
const patience = { timeoutMs: 40_000 }

/** A cluster, providers, consumers, and someone who writes down what happens to them. */
export class Stage {
  readonly world: RegistryWorld<FollowingRegistry>
  readonly secured: SecuredEtcd
  readonly random: SeededRandom
  readonly recorder: Recorder
  readonly prefix = servicePrefix(service)
  readonly listener = 'listener'
  /** Consumers that know one member only. */
  readonly pinned: {
    readonly member: string
    readonly follower: string
    readonly listener: string
  }
  readonly #providers: Provider[] = []
  readonly #registries: FollowingRegistry[] = []
  #nextPort = 1
  #pinnedBlindSince: number | null = null
  #expected: (() => true | string)[] = []

  private constructor({ world, secured, random }: StageOptions) {
    this.world = world
    this.secured = secured
    this.random = random
    // Who opens the stage waits for what it needs; no fault has happened.
    this.recorder = new Recorder(world.etcd, this.prefix, { missing: 4, consumer: 4, provider: 4 })
    const member = random.pick(this.memberNames())
    this.pinned = { member, follower: 'pinned', listener: 'pinned listener' }
  }

  static async open(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options)
    const { world, pinned } = stage
    for (let n = 0; n < fewestProviders; n += 1) await stage.addProvider()
    const others = stage.memberNames().filter((name) => name !== pinned.member)
    const only = world.open(pinned.member)
    await stage.#addFollower('free', world.open())
    await stage.#addFollower('own member first', world.open(pinned.member, ...others))
    await stage.#addFollower(pinned.follower, only)
    stage.#addListener(stage.listener, world.open())
    stage.#addListener(pinned.listener, only)
    await stage.settle()
    return stage
  }

  memberNames(): string[] {
    return this.world.driver.members().map(({ name }) => name)
  }

  /** A provider of this process, for a fault that takes its key. */
  async calmProvider(): Promise<Provider> {
    if (!this.#providers.some((provider) => this.#isCalm(provider))) await this.addProvider()
    const calm = this.#providers.filter((provider) => this.#isCalm(provider))
    const provider = this.random.pick(calm)
    provider.touchedAt = this.recorder.now()
    return provider
  }

  /** Before a fault that takes all keys: others in place of all that have lost theirs lately. */
  async calmDown(): Promise<void> {
    for (const provider of this.#providers.filter((each) => !this.#isCalm(each))) {
      await this.#release(provider)
      await this.addProvider()
    }
    for (const provider of this.#providers) provider.touchedAt = this.recorder.now()
  }

  /** Behind the back of its provider. */
  async deleteOneKey(): Promise<void> {
    const { registration } = await this.calmProvider()
    await this.world.etcd.deleteRange({ key: registration.key })
  }

  registrations(): Registration[] {
    return this.#providers.map(({ registration }) => registration)
  }

  async addProvider(): Promise<void> {
    const registry = this.world.open()
    this.#registries.push(registry)
    const port = this.#takePort()
    const ttlSeconds = ttls.provider
    const registration = await registry.register(instanceAt(service, port), { ttlSeconds })
    this.recorder.born(port, ttlSeconds * 1000)
    this.#providers.push({ port, registry, registration, touchedAt: -Infinity })
  }

  async releaseProvider(): Promise<void> {
    if (this.#providers.length <= fewestProviders) return
    await this.#release(this.random.pick(this.#providers))
  }

  async #release(provider: Provider): Promise<void> {
    this.#providers.splice(this.#providers.indexOf(provider), 1)
    await provider.registration.drain()
    await provider.registration.release()
    this.recorder.died(provider.port)
    await provider.registry.close()
  }

  async startProcess(): Promise<ProcessProvider> {
    const port = this.#takePort()
    const provider = await this.world.startProvider(instanceAt(service, port), ttls.process)
    const ttlMs = ttls.process * 1000
    this.recorder.born(port, ttlMs)
    return { port, ttlMs, ...provider }
  }

  /** From now on, until the stage has settled, the pinned consumers are cut off. */
  blindPinned(): void {
    this.#pinnedBlindSince = this.recorder.now()
  }

  /** The stage does not settle before these listeners were given a new list, and for this reason. */
  expectNewList(because: string, listeners: readonly string[]): void {
    for (const name of listeners) {
      const before = this.recorder.relisted(name).length
      this.#expected.push(() => {
        const reasons = this.recorder.relisted(name).slice(before)
        return (
          reasons.includes(because) || `${name}: new lists because ${reasons.join() || 'never'}`
        )
      })
    }
  }

  /** Until every consumer is served exactly who lives. */
  async seen(): Promise<void> {
    await this.#untilAll(() => true)
  }

  /**
   * Until every provider is well (etcd holds exactly who lives, each on a lease, and every
   * registration is confirmed) and every consumer is (it relies on being served just that).
   * Resolves with how long each took, milliseconds.
   */
  async settle(): Promise<NonNullable<Trial['settled']>> {
    const from = this.recorder.now()
    await this.world.heal()
    const since = () => this.recorder.now() - from
    const [provider, consumer] = await Promise.all([
      this.#providersAreWell().then(since),
      this.#consumersAreWell().then(since),
    ])
    this.#endBlindness()
    return { consumer, provider }
  }

  /** Ends the recording, too. */
  async close(): Promise<void> {
    await this.recorder.end()
    for (const registry of this.#registries) await registry.close()
  }

  /** Whoever loses its key again and again takes its time on purpose, and no bound speaks of that. */
  #isCalm({ touchedAt }: Provider): boolean {
    return this.recorder.now() - touchedAt > calmMs
  }

  async #providersAreWell(): Promise<void> {
    await waitFor('etcd to hold who lives', () => this.#comparesWithEtcd(), patience)
    await waitFor('every registration to be confirmed', () => {
      const states = this.registrations().map((registration) => registration.state())
      return states.every((state) => state === 'registered') || states.join()
    })
  }

  async #consumersAreWell(): Promise<void> {
    for (const look of this.#expected.splice(0)) await waitFor('a new list', look, patience)
    await this.#untilAll((trust) => trust === 'live')
  }

  #endBlindness(): void {
    if (this.#pinnedBlindSince === null) return
    const interval = { from: this.#pinnedBlindSince, to: this.recorder.now() }
    this.recorder.blinded(this.pinned.follower, interval)
    this.#pinnedBlindSince = null
  }

  async #comparesWithEtcd(): Promise<true | string> {
    const { kvs } = await this.world.etcd.range({ prefix: this.prefix })
    const found = kvs
      .filter(({ lease, value }) => lease !== '0' && decodeInstance(value).ok)
      .map(({ key }) => parseInstanceKey(Buffer.from(key).toString())?.port ?? 0)
      .toSorted((a, b) => a - b)
    const living = this.recorder.livingPorts()
    const isSame = kvs.length === living.length && found.join() === living.join()
    return isSame || `${living.join()} live; ${kvs.length} keys, on a lease ${found.join()}`
  }

  async #untilAll(relies: (trust: string) => boolean): Promise<void> {
    await waitFor(
      'every consumer to be served who lives',
      () => {
        const living = this.recorder.livingPorts().join()
        const served = this.recorder.served()
        const isSo = served.every(({ ports, trust }) => ports.join() === living && relies(trust))
        if (isSo) return true
        const seen = served.map(({ name, ports, trust }) => `${name} ${ports.join()} (${trust})`)
        return `${living} live; ${seen.join('; ')}`
      },
      patience,
    )
  }

  async #addFollower(name: string, registry: FollowingRegistry): Promise<void> {
    this.#registries.push(registry)
    this.recorder.consumer(name, await registry.follow(service))
  }

  #addListener(name: string, registry: FollowingRegistry): void {
    this.#registries.push(registry)
    this.recorder.listener(name, (signal) => registry.watch(service, { signal }))
  }

  #takePort(): number {
    const port = this.#nextPort
    this.#nextPort += 1
    return port
  }
}
