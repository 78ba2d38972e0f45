import { setTimeout as delay } from 'node:timers/promises'
import { LabError, type ProcessState } from '../../protocol/index.ts'
import type { EtcdMember } from '../etcd/etcd-member.ts'
import type {
  ClusterCapabilities,
  ClusterDriver,
  MemberEvent,
  MemberProcess,
} from './cluster-driver.ts'

export interface EndpointsDriverOptions {
  /** Client URLs of the members, `http://host:port` or `unix:///path`. */
  readonly endpoints: readonly string[]
  /** Opens a connection to one member; the driver closes it. */
  readonly connect: (clientUrl: string) => EtcdMember
}

const deadlineMs = 1000
const everyMs = 1000
/** One answer may be lost on a busy machine. */
const silentRounds = 2

interface Endpoint {
  readonly url: string
  readonly name: string
  readonly member: EtcdMember
  state: ProcessState
  since: number
  silent: number
}

/**
 * Attaches to the members of any etcd cluster. Their processes are out of reach, so every capability
 * is missing, every fault rejects `MEMBER_STATE`, and what can be known of a process is whether it
 * answers: a member that is silent for two seconds counts as `exited`.
 *
 * Rejects `CONFIG` when no endpoint answers.
 */
export async function attachEndpoints(options: EndpointsDriverOptions): Promise<ClusterDriver> {
  const asked = await Promise.all(
    options.endpoints.map(async (url) => {
      const member = options.connect(url)
      return { url, member, name: await askName(member) }
    }),
  )
  if (asked.every(({ name }) => name === null)) {
    for (const { member } of asked) member.close()
    const list = options.endpoints.join(', ')
    throw new LabError('CONFIG', `No member of etcd answers at ${list}.\nCheck LAB_ENDPOINTS.`)
  }
  const names = asked.map(({ name }) => name)
  const endpoints = asked.map(({ url, member, name }) => {
    const unique = name !== null && name !== '' && names.filter((each) => each === name).length < 2
    const state: ProcessState = name === null ? 'exited' : 'running'
    return {
      ...{ url, member, state, silent: 0, since: Date.now() },
      name: unique ? name : withoutScheme(url),
    }
  })
  return new EndpointsDriver(endpoints.sort((a, b) => a.name.localeCompare(b.name)))
}

class EndpointsDriver implements ClusterDriver {
  readonly capabilities: ClusterCapabilities = {
    kill: false,
    stop: false,
    pause: false,
    logs: false,
  }
  readonly #endpoints: readonly Endpoint[]
  readonly #listeners = new Set<(event: MemberEvent) => void>()
  readonly #closing = new AbortController()
  readonly #looking: Promise<void>

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints
    this.#looking = this.#look()
  }

  members(): readonly MemberProcess[] {
    return this.#endpoints.map(({ name, url, state, since }) => ({
      ...{ name, state, since },
      clientUrl: url,
      pid: null,
      exit: null,
    }))
  }

  start(name: string): Promise<void> {
    return this.#refuse('start', name)
  }

  stop(name: string): Promise<void> {
    return this.#refuse('stop', name)
  }

  kill(name: string): Promise<void> {
    return this.#refuse('kill', name)
  }

  pause(name: string): Promise<void> {
    return this.#refuse('pause', name)
  }

  resume(name: string): Promise<void> {
    return this.#refuse('resume', name)
  }

  async logs(name: string): Promise<string[]> {
    await this.#refuse('read the log of', name)
    return []
  }

  onChange(listener: (event: MemberEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await this.#looking
    for (const { member } of this.#endpoints) member.close()
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing
    try {
      for (;;) {
        await delay(everyMs, null, { signal })
        await Promise.all(this.#endpoints.map((each) => this.#ask(each)))
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #ask(endpoint: Endpoint): Promise<void> {
    const answers = (await askName(endpoint.member)) !== null
    if (this.#closing.signal.aborted) return
    endpoint.silent = answers ? 0 : endpoint.silent + 1
    if (answers && endpoint.state !== 'running') this.#change(endpoint, 'running')
    if (endpoint.silent >= silentRounds && endpoint.state !== 'exited') {
      this.#change(endpoint, 'exited')
    }
  }

  #change(endpoint: Endpoint, state: ProcessState): void {
    endpoint.state = state
    endpoint.since = Date.now()
    const event = { member: endpoint.name, state, monotonic: performance.now(), at: endpoint.since }
    for (const listener of this.#listeners) listener(event)
  }

  #refuse(action: string, name: string): Promise<never> {
    if (this.#closing.signal.aborted) {
      return Promise.reject(new LabError('CLOSED', 'The cluster is closed'))
    }
    const member = this.#endpoints.find((each) => each.name === name)
    const details = { member: name, state: member?.state ?? 'exited', action }
    if (member === undefined) {
      return Promise.reject(
        new LabError('NO_SUCH_MEMBER', `There is no member ${name}`, { details }),
      )
    }
    const message = `Cannot ${action} ${name}: the lab is only attached to this cluster, and its processes are out of reach`
    return Promise.reject(new LabError('MEMBER_STATE', message, { details }))
  }
}

/** The member's name, empty when it does not tell; null when it does not answer. */
async function askName(member: EtcdMember): Promise<string | null> {
  try {
    const names = await member.memberNames({ deadlineMs })
    const { memberId } = await member.status({ deadlineMs })
    return names.get(memberId) ?? ''
  } catch (error) {
    // One that refuses its status (authentication is on) answers all the same.
    return error instanceof LabError && error.code === 'ETCD_REFUSED' ? '' : null
  }
}

function withoutScheme(url: string): string {
  return url.replace(/^\w+:\/\//, '')
}
