import type { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { decodeInstance } from '../../lab-server/registry/codec.ts'
import type { CurrentDiscovery, RegistryChange } from '../../lab-server/registry/registry.ts'
import { parseInstanceKey } from '../../lab-server/registry/service-key.ts'
import { toLabError, type LabError } from '../../protocol/index.ts'
import type {
  Bounds,
  ChapterStep,
  ConsumerStory,
  ConsumerView,
  Interval,
  ListenerStory,
  ProviderLife,
  RunHistory,
  Told,
  Trial,
} from './history.ts'

const lookEveryMs = 15

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

interface RecordedLife extends Omit<Mutable<ProviderLife>, 'frozen'> {
  readonly frozen: Interval[]
}

/** What a consumer is served at this moment. */
export interface Served {
  current(): Pick<CurrentDiscovery, 'instances' | 'revision' | 'trust'>
}

interface RecordedConsumer {
  readonly name: string
  readonly followed: Served
  readonly views: ConsumerView[]
  readonly blind: Interval[]
}

interface RecordedListener extends ListenerStory {
  readonly told: Told[]
  readonly listening: Promise<void>
}

/** Writes down what happens: who lives, what etcd holds, what consumers are served. */
export class Recorder {
  readonly #etcd: EtcdClient
  readonly #prefix: string
  readonly #start = performance.now()
  readonly #lives: RecordedLife[] = []
  readonly #consumers: RecordedConsumer[] = []
  readonly #listeners: RecordedListener[] = []
  readonly #trials: Mutable<Trial>[] = []
  readonly #outages: Interval[] = []
  readonly #chapters: { readonly from: number; readonly steps: ChapterStep[] }[] = []
  readonly #keys = new Map<string, number | null>()
  readonly #stop = new AbortController()
  readonly #looking: NodeJS.Timeout
  readonly #observing: Promise<void>
  #ended: Promise<{ history: RunHistory; end: number }> | null = null

  /** `bounds` hold until the first fault begins. */
  constructor(etcd: EtcdClient, prefix: string, bounds: Bounds) {
    this.#etcd = etcd
    this.#prefix = prefix
    this.trial('the beginning', bounds)
    this.#beginChapter()
    this.#looking = setInterval(() => this.#look(), lookEveryMs)
    this.#observing = this.#observe()
  }

  /** Milliseconds since the recording began. */
  now(): number {
    return performance.now() - this.#start
  }

  /** A fault begins. */
  trial(name: string, bounds: Bounds): void {
    this.#trials.push({ name, from: this.now(), bounds, settled: null })
  }

  /** All is well again since the fault that began last. */
  settled(after: NonNullable<Trial['settled']>): void {
    const last = this.#trials.at(-1)
    if (last) last.settled = after
  }

  born(port: number, ttlMs: number): void {
    this.#lives.push({ port, ttlMs, from: this.now(), to: null, frozen: [] })
  }

  died(port: number): void {
    const life = this.#livingAt(port)
    if (life) life.to = this.now()
  }

  frozen(port: number, interval: Interval): void {
    this.#livingAt(port)?.frozen.push(interval)
  }

  consumer(name: string, followed: Served): void {
    this.#consumers.push({ name, followed, views: [], blind: [] })
  }

  /** Listens to the changes until the recording ends; `open` gets the signal of that. */
  listener(name: string, open: (signal: AbortSignal) => AsyncIterable<RegistryChange>): void {
    const told: Told[] = []
    const listening = (async () => {
      for await (const change of open(this.#stop.signal)) told.push(toTold(change))
    })()
    this.#listeners.push({ name, told, listening })
  }

  /** Why the listener was given a new list in place of changes, each time. */
  relisted(name: string): readonly string[] {
    const listener = this.#listeners.find((each) => each.name === name)
    return (listener?.told ?? []).filter(({ type }) => type === 'relisted').map(({ what }) => what)
  }

  blinded(name: string, interval: Interval): void {
    this.#consumers.find((each) => each.name === name)?.blind.push(interval)
  }

  /** Records how long the action takes as a time in which etcd could not do its part. */
  async outage(action: () => Promise<unknown>): Promise<void> {
    const from = this.now()
    await action()
    this.#outages.push({ from, to: this.now() })
  }

  livingPorts(): number[] {
    const living = this.#lives.filter(({ to }) => to === null)
    return living.map(({ port }) => port).toSorted((a, b) => a - b)
  }

  /** What every consumer is served now, and whether it relies on it. */
  served(): { name: string; ports: readonly number[]; trust: string }[] {
    this.#look()
    const followers = this.#consumers.map(({ name, followed }) => ({
      name,
      ports: portsOf(followed),
      trust: followed.current().trust,
    }))
    const listeners = this.#listeners.map(({ name, told }) => ({
      name,
      ports: portsTold(told),
      trust: 'live',
    }))
    return [...followers, ...listeners]
  }

  /** Ends the recording; what was recorded can be asked for again. */
  end(): Promise<{ history: RunHistory; end: number }> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  async #end(): Promise<{ history: RunHistory; end: number }> {
    this.#look()
    clearInterval(this.#looking)
    const end = this.now()
    this.#stop.abort()
    await this.#observing
    await Promise.all(this.#listeners.map(({ listening }) => listening))
    const consumers: ConsumerStory[] = this.#consumers
    const listeners: ListenerStory[] = this.#listeners
    const etcd = { chapters: this.#chapters, outages: this.#outages }
    const history = { trials: this.#trials, providers: this.#lives, consumers, listeners, ...etcd }
    return { history, end }
  }

  #livingAt(port: number): RecordedLife | undefined {
    return this.#lives.findLast((life) => life.port === port && life.to === null)
  }

  #look(): void {
    for (const { followed, views } of this.#consumers) {
      const { trust, revision: text } = followed.current()
      const revision = BigInt(text)
      const ports = portsOf(followed)
      const last = views.at(-1)
      const isSame = last?.trust === trust && last.ports.join() === ports.join()
      if (isSame && last.revision === revision) continue
      views.push({ at: this.now(), ports, revision, trust })
    }
  }

  /** etcd's own story, from a list and a watch of the test's own. */
  async #observe(): Promise<void> {
    const { signal } = this.#stop
    let next = await this.#list()
    while (!signal.aborted) {
      try {
        const request = { prefix: this.#prefix, fromRevision: next.toString(), signal }
        for await (const { events, revision } of this.#etcd.watch(request)) {
          for (const { type, kv } of events) {
            const key = Buffer.from(kv.key).toString()
            if (type === 'delete') this.#keys.delete(key)
            else this.#keys.set(key, readPort(key, kv.value))
            this.#note(BigInt(kv.modRevision))
          }
          next = BigInt(revision) + 1n
        }
      } catch (error) {
        const { code } = toLabError(error)
        if (code === 'HISTORY_CHANGED') this.#beginChapter()
        else if (code === 'COMPACTED')
          this.#chapters.at(-1)?.steps.push({ revision: next, ports: null })
        else throw error
        next = await this.#list()
      }
    }
  }

  #beginChapter(): void {
    this.#chapters.push({ from: this.now(), steps: [] })
  }

  /** The revision to go on from. Tries until etcd answers. */
  async #list(): Promise<bigint> {
    const { signal } = this.#stop
    for (;;) {
      try {
        const { kvs, header } = await this.#etcd.range({ prefix: this.#prefix }, { signal })
        this.#keys.clear()
        for (const { key, value } of kvs) {
          const text = Buffer.from(key).toString()
          this.#keys.set(text, readPort(text, value))
        }
        this.#note(BigInt(header.revision))
        return BigInt(header.revision) + 1n
      } catch (error) {
        if (signal.aborted) return 1n
        if (!isOutage(toLabError(error))) throw error
      }
    }
  }

  #note(revision: bigint): void {
    const ports = [...this.#keys.values()].filter((port) => port !== null)
    const steps = this.#chapters.at(-1)?.steps
    const step = { revision, ports: ports.toSorted((a, b) => a - b) }
    if (steps?.at(-1)?.revision === revision) steps.pop()
    steps?.push(step)
  }
}

function isOutage({ code }: LabError): boolean {
  return code === 'QUORUM_LOST' || code === 'TIMEOUT' || code === 'UNAVAILABLE'
}

/** As a consumer reads it: where the value says that the instance is. */
function readPort(key: string, value: Uint8Array): number | null {
  const decoded = decodeInstance(value)
  return decoded.ok && parseInstanceKey(key) ? decoded.value.servicePort : null
}

function portsOf(followed: Served): number[] {
  const { instances } = followed.current()
  return instances.map(({ instance }) => instance.servicePort).toSorted((a, b) => a - b)
}

function toTold(change: RegistryChange): Told {
  const { type } = change
  const revision = BigInt(change.revision)
  if (type === 'relisted') return { type, what: change.because, revision }
  return { type, what: 'found' in change ? change.found.key : change.key, revision }
}

/** Whom a consumer knows that was told so much. */
function portsTold(told: readonly Told[]): number[] {
  const ports = new Set<number>()
  for (const { type, what } of told) {
    const port = parseInstanceKey(what)?.port
    if (port === undefined) continue
    if (type === 'added' || type === 'updated') ports.add(port)
    else ports.delete(port)
  }
  return [...ports].toSorted((a, b) => a - b)
}
