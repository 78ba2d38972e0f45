import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { LabError } from '../../protocol/index.ts'
import type {
  ClusterCapabilities,
  ClusterDriver,
  MemberEvent,
  MemberProcess,
} from './cluster-driver.ts'
import { readDockerLog } from './docker-log.ts'
import { MemberContainer, textOf } from './member-container.ts'
import { tellingLines } from './member-log.ts'
import { untilServes } from './until-serves.ts'

export interface ComposeDriverOptions {
  /** The compose project whose members these are. */
  readonly project: string
  /** How long `start` may take; 30 s by default. */
  readonly startTimeoutMs?: number
  /** Told of what goes wrong in the background: the engine's events cannot be had. */
  readonly onTrouble?: (error: LabError) => void
}

/** Compose's own labels, and ours on the services that are members of the cluster. */
const projectLabel = 'com.docker.compose.project'
const serviceLabel = 'com.docker.compose.service'
const memberLabel = 'ming-registry-lab.member'

const shownLogLines = 5
const searchedLogLines = 100
const reconnectMs = 1000

/**
 * Attaches to the members of a compose stack, through the engine of DOCKER_HOST or the local one.
 * They are found by compose's labels, whether they run or not; a stack that is not there, or an
 * engine that does not answer, is `CONFIG`.
 *
 * The stack is not this driver's: `close` leaves it as it is, and only resumes what was paused here.
 */
export async function attachComposeDriver(options: ComposeDriverOptions): Promise<ClusterDriver> {
  const docker = new Docker()
  const driver = new ComposeDriver(docker, options, await findMembers(docker, options.project))
  await driver.listen()
  return driver
}

interface FoundMember {
  readonly name: string
  readonly container: Docker.Container
  readonly facts: Docker.ContainerInspectInfo
}

async function findMembers(docker: Docker, project: string): Promise<FoundMember[]> {
  const label = [`${projectLabel}=${project}`, memberLabel]
  try {
    const rows = await docker.listContainers({ all: true, filters: { label } })
    const members = rows.map(async ({ Id, Labels }) => {
      const container = docker.getContainer(Id)
      const name = Labels[serviceLabel] ?? ''
      return { name, container, facts: await container.inspect() }
    })
    const found = await Promise.all(members)
    if (found.length > 0) return found.sort((a, b) => a.name.localeCompare(b.name))
  } catch (error) {
    throw new LabError(
      'CONFIG',
      `No Docker engine answers (${textOf(error)}).\nStart Docker, or set DOCKER_HOST to where it listens.`,
      { cause: error },
    )
  }
  throw new LabError(
    'CONFIG',
    `The compose project ${project} has no members of etcd.\nStart them first: docker compose -p ${project} up -d --wait`,
  )
}

interface EngineEvent {
  readonly Action: string
  /** Nanoseconds since 1970; too many for a number to be exact, and near enough. */
  readonly timeNano: number
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
}

class ComposeDriver implements ClusterDriver {
  readonly capabilities: ClusterCapabilities = { kill: true, stop: true, pause: true, logs: true }
  readonly #docker: Docker
  readonly #project: string
  readonly #startTimeoutMs: number
  readonly #onTrouble: (error: LabError) => void
  readonly #members: ReadonlyMap<string, MemberContainer>
  readonly #listeners = new Set<(event: MemberEvent) => void>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | null = null

  constructor(docker: Docker, options: ComposeDriverOptions, found: readonly FoundMember[]) {
    this.#docker = docker
    this.#project = options.project
    this.#startTimeoutMs = options.startTimeoutMs ?? 30_000
    this.#onTrouble = options.onTrouble ?? (() => undefined)
    const onChange = (event: MemberEvent) => {
      for (const listener of this.#listeners) listener(event)
    }
    this.#members = new Map(
      found.map((member) => [member.name, new MemberContainer({ ...member, onChange })]),
    )
  }

  members(): readonly MemberProcess[] {
    return [...this.#members.values()].map((member) => member.view())
  }

  async start(name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const member = this.#find(name)
    options.signal?.throwIfAborted()
    member.starts()
    try {
      await member.launch()
      await this.#untilServes(member, options.signal)
    } catch (error) {
      // A closing driver leaves the stack alone.
      if (!this.#closing.signal.aborted && member.state === 'starting') await member.kill()
      throw error
    }
    member.serves()
  }

  async stop(name: string): Promise<void> {
    await this.#find(name).stop()
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

  async logs(name: string, { lines }: { lines: number }): Promise<string[]> {
    return await readLog(this.#find(name), lines)
  }

  onChange(listener: (event: MemberEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce()
    return this.#closed
  }

  /** Resolves when the engine tells what happens to the members from now on. */
  async listen(): Promise<void> {
    const events = await this.#openEvents()
    void this.#follow(events)
  }

  async #closeOnce(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await Promise.all([...this.#members.values()].map((member) => member.release()))
  }

  async #openEvents(): Promise<NodeJS.ReadableStream> {
    return await this.#docker.getEvents({
      filters: { type: ['container'], label: [`${projectLabel}=${this.#project}`, memberLabel] },
      abortSignal: this.#closing.signal,
    })
  }

  /** An engine that went away may come back: then everything is looked at anew. */
  async #follow(first: NodeJS.ReadableStream): Promise<void> {
    let events: NodeJS.ReadableStream | null = first
    while (!this.#closing.signal.aborted) {
      try {
        events ??= await this.#openEvents()
        if (events !== first) await this.#lookAtAll()
        await this.#read(events)
      } catch (error) {
        this.#tellTrouble('events', error)
      }
      events = null
      await delay(reconnectMs, null, { signal: this.#closing.signal }).catch(() => null)
    }
  }

  async #read(events: NodeJS.ReadableStream): Promise<void> {
    for await (const line of createInterface({ input: events })) {
      this.#onEvent(JSON.parse(line) as EngineEvent)
    }
  }

  #onEvent({ Action, timeNano, Actor }: EngineEvent): void {
    const member = this.#members.get(Actor.Attributes[serviceLabel] ?? '')
    if (member === undefined) return
    if (Actor.ID !== member.id) {
      // Compose made the service a new container.
      if (Action === 'start') this.#look(member, member.adopt(this.#docker.getContainer(Actor.ID)))
    } else if (Action === 'die') {
      member.ended(Number(Actor.Attributes['exitCode']), timeNano / 1e6)
    } else if (Action === 'start' || Action === 'pause' || Action === 'unpause') {
      this.#look(member, member.noticed())
    }
  }

  async #lookAtAll(): Promise<void> {
    const found = await findMembers(this.#docker, this.#project)
    for (const { name, container } of found) {
      const member = this.#members.get(name)
      if (member !== undefined) this.#look(member, member.adopt(container))
    }
  }

  /** A member that somebody else started is `running` once it serves. */
  #look(member: MemberContainer, looking: Promise<void>): void {
    const before = member.state
    void looking
      .then(async () => {
        if (before === 'starting' || member.state !== 'starting') return
        await this.#untilServes(member)
        member.serves()
      })
      .catch((error: unknown) => this.#tellTrouble(member.name, error))
  }

  #tellTrouble(what: string, error: unknown): void {
    if (this.#closing.signal.aborted) return
    const message = `The Docker engine and ${what}: ${textOf(error)}`
    this.#onTrouble(new LabError('UNAVAILABLE', message, { cause: error }))
  }

  async #untilServes(member: MemberContainer, signal?: AbortSignal): Promise<void> {
    const { name, client, peer } = member
    await untilServes({
      name,
      client,
      peer,
      states: () => [...this.#members.values()].map(({ state }) => state),
      ended: () => (member.alive ? null : describeEnd(member)),
      timeoutMs: this.#startTimeoutMs,
      signal,
      closing: this.#closing.signal,
      failure: (reason) => startError(member, reason),
    })
  }

  #find(name: string): MemberContainer {
    if (this.#closed !== null) throw new LabError('CLOSED', 'The cluster is closed')
    const member = this.#members.get(name)
    if (member !== undefined) return member
    const known = [...this.#members.keys()].join(', ')
    throw new LabError('NO_SUCH_MEMBER', `There is no member ${name}; there are ${known}`, {
      details: { member: name },
    })
  }
}

function describeEnd(member: MemberContainer): string {
  const { exit, state } = member.view()
  return `its process ended (${state}, code ${exit?.code}, signal ${exit?.signal})`
}

async function startError(member: MemberContainer, reason: string): Promise<LabError> {
  const last = tellingLines(await readLog(member, searchedLogLines), shownLogLines).join('\n')
  return new LabError(
    'MEMBER_START_FAILED',
    `${member.name} did not start: ${reason}${last === '' ? '' : `\n${last}`}`,
    { details: { member: member.name } },
  )
}

async function readLog({ container, name }: MemberContainer, lines: number): Promise<string[]> {
  try {
    const bytes = await container.logs({ stdout: true, stderr: true, tail: lines })
    return readDockerLog(bytes).slice(-lines)
  } catch (error) {
    const message = `The Docker engine gives no log of ${name}: ${textOf(error)}`
    throw new LabError('UNAVAILABLE', message, { cause: error })
  }
}
