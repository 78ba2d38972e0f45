import { decodeInstance } from '../../lab-server/registry/codec.ts'
import type {
  FollowingRegistry,
  Registration,
  ServiceId,
} from '../../lab-server/registry/registry.ts'
import { parseInstanceKey, servicePrefix } from '../../lab-server/registry/service-key.ts'
import type { RegistryWorld } from '../helpers/registry-world.ts'
import type { SeededRandom } from '../helpers/seeded-random.ts'
import { instanceAt } from '../helpers/instance-at.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Recorder } from './recorder.ts'

interface Provider {
  readonly port: number
  readonly registry: FollowingRegistry
  readonly registration: Registration
}

interface ProcessProvider {
  readonly port: number
  readonly ttlMs: number
  kill(): Promise<void>
  pause(): void
  resume(): void
}

const service: ServiceId = { name: 'Faults', version: '1.0' }
const ttlSeconds = 4
const processTtlSeconds = 2
const fewestProviders = 3

/** A cluster, providers, consumers, and someone who writes down what happens to them. */
export class Stage {
  readonly world: RegistryWorld<FollowingRegistry>
  readonly random: SeededRandom
  readonly recorder: Recorder
  readonly prefix = servicePrefix(service)
  /** A consumer that knows one member only. */
  readonly pinned: { readonly name: string; readonly member: string }
  readonly #providers: Provider[] = []
  readonly #registries: FollowingRegistry[] = []
  #nextPort = 1

  private constructor(
    world: RegistryWorld<FollowingRegistry>,
    random: SeededRandom,
    pinnedMember: string,
  ) {
    this.world = world
    this.random = random
    this.recorder = new Recorder(world.etcd, this.prefix)
    this.pinned = { name: 'pinned', member: pinnedMember }
  }

  static async open(world: RegistryWorld<FollowingRegistry>, random: SeededRandom): Promise<Stage> {
    const members = world.driver.members().map(({ name }) => name)
    const stage = new Stage(world, random, random.pick(members))
    for (let n = 0; n < fewestProviders; n += 1) await stage.addProvider()
    await stage.#addConsumer('free', world.open())
    await stage.#addConsumer('other', world.open())
    await stage.#addConsumer(stage.pinned.name, world.open(stage.pinned.member))
    await stage.settle()
    return stage
  }

  /** Any provider that lives in this process. */
  readonly pickProvider = (): Provider => this.random.pick(this.#providers)

  async addProvider(): Promise<void> {
    const registry = this.world.open()
    this.#registries.push(registry)
    const port = this.#takePort()
    const registration = await registry.register(instanceAt(service, port), { ttlSeconds })
    this.recorder.born(port, ttlSeconds * 1000)
    this.#providers.push({ port, registry, registration })
  }

  async releaseProvider(): Promise<void> {
    if (this.#providers.length <= fewestProviders) return
    const provider = this.pickProvider()
    this.#providers.splice(this.#providers.indexOf(provider), 1)
    await provider.registration.drain()
    await provider.registration.release()
    this.recorder.died(provider.port)
    await provider.registry.close()
  }

  async startProcess(): Promise<ProcessProvider> {
    const port = this.#takePort()
    const provider = await this.world.startProvider(instanceAt(service, port), processTtlSeconds)
    const ttlMs = processTtlSeconds * 1000
    this.recorder.born(port, ttlMs)
    return { port, ttlMs, ...provider }
  }

  /** Until every consumer is served exactly who lives. */
  async seen(): Promise<void> {
    await this.#untilAll(() => true)
  }

  /**
   * Until etcd holds exactly who lives, each on a lease, every consumer relies on being served just
   * that, and every registration is confirmed.
   */
  async settle(): Promise<void> {
    await this.world.heal()
    await waitFor('etcd to hold who lives', () => this.#comparesWithEtcd(), { timeoutMs: 30_000 })
    await this.#untilAll((trust) => trust === 'live')
    await waitFor('every registration to be confirmed', () => {
      const states = this.#providers.map(({ registration }) => registration.state())
      return states.every((state) => state === 'registered') || states.join()
    })
  }

  /** Ends the recording, too. */
  async close(): Promise<void> {
    await this.recorder.end()
    for (const registry of this.#registries) await registry.close()
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
      { timeoutMs: 30_000 },
    )
  }

  async #addConsumer(name: string, registry: FollowingRegistry): Promise<void> {
    this.#registries.push(registry)
    this.recorder.consumer(name, await registry.follow(service))
  }

  #takePort(): number {
    const port = this.#nextPort
    this.#nextPort += 1
    return port
  }
}
