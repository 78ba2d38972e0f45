import { setTimeout as delay } from 'node:timers/promises'
import {
  type ClusterSnapshot,
  type FaultAction,
  type FaultRecord,
  LabError,
  type MemberStatus,
  type ProcessState,
} from '../../protocol/index.ts'
import type { EtcdMember, MemberAnswer } from '../etcd/etcd-member.ts'
import { type Clock, epochOf, systemClock } from './clock.ts'
import type { ClusterDriver, MemberEvent } from './cluster-driver.ts'
import { FaultLedger } from './fault-ledger.ts'
import { awaitsLeader, type Measurement, withSample, withWrite } from './fault-measurement.ts'
import {
  compareTerms,
  findAgreedLeader,
  findLeadership,
  knowsNoLeader,
  type Leadership,
  type Observation,
} from './leadership.ts'
import { MemberPoller } from './member-poller.ts'
import type { ClusterMonitor } from './monitor.ts'
import { countQuorum } from './quorum.ts'
import { SnapshotFeed } from './snapshot-feed.ts'
import { emptyStrip, noteLeader, noteMember, noteWrites, type Strip, viewStrip } from './strip.ts'
import { WriteProbe } from './write-probe.ts'

export interface ClusterMonitorOptions {
  readonly driver: ClusterDriver
  /** Opens a connection to one member; the monitor closes it. */
  readonly connect: (clientUrl: string) => EtcdMember
  readonly clock?: Clock
}

/** Pause between two rounds of questions, milliseconds. */
const unwatchedMs = 1000
const watchedMs = 200
/** After a fault every survivor should be asked every 10 ms, so a little faster. */
const burstMs = 6
const burstLimitMs = 10_000
const askDeadlineMs = 500
/** Before a fault: a member that hangs must not keep the reader waiting. */
const aimDeadlineMs = 200
/** Questions that one member may have open in a burst: a late answer must not stop the sampling. */
const askingPerMember = 3
const waitForLeaderEveryMs = 20

export function createClusterMonitor(options: ClusterMonitorOptions): ClusterMonitor {
  return new Monitor(options)
}

/** A fault that a command asked for and that the driver is busy with. */
interface CommandedFault {
  readonly member: string
  readonly action: FaultAction
  readonly before: Leadership
  /** Of its record, once it has happened. */
  id: number | null
}

class Monitor implements ClusterMonitor {
  readonly #driver: ClusterDriver
  readonly #clock: Clock
  readonly #pollers: ReadonlyMap<string, MemberPoller>
  readonly #probe: WriteProbe
  readonly #feed: SnapshotFeed
  readonly #faults = new FaultLedger()
  readonly #stopListening: () => void
  readonly #processes = new Map<string, ProcessState>()
  /** Names by member id, from what members say of themselves and of each other. */
  readonly #names = new Map<string, string>()
  readonly #busy = new Map<string, CommandedFault>()
  /** Ids of faults that a command asked for: their writes are measured though nobody watches. */
  readonly #commanded = new Set<number>()
  #strip: Strip = emptyStrip
  #leadership: Leadership = { leader: null, term: '0' }
  #learning = false
  #closed = false
  #cancelRound: () => void = () => undefined
  #cancelBurst: (() => void) | null = null

  constructor({ driver, connect, clock = systemClock }: ClusterMonitorOptions) {
    const members = driver.members()
    this.#driver = driver
    this.#clock = clock
    this.#pollers = new Map(
      members.map(({ name, clientUrl }) => {
        return [name, new MemberPoller(name, () => connect(clientUrl), clock)]
      }),
    )
    this.#feed = new SnapshotFeed(clock, () => this.snapshot())
    this.#probe = new WriteProbe(clock, {
      onAck: (write) => {
        this.#measure((measurement) => withWrite(measurement, write))
      },
      onState: (at, state) => {
        this.#strip = noteWrites(this.#strip, at, state)
      },
    })
    const now = clock.now()
    this.#strip = noteLeader(noteWrites(emptyStrip, now, 'idle'), now, this.#leadership)
    for (const { name, state, exit } of members) {
      this.#processes.set(name, state)
      // A member that never ran has not been stopped by anybody: its lane begins with its start.
      const everRan = state !== 'stopped' || exit !== null
      if (everRan) this.#strip = noteMember(this.#strip, now, name, state)
    }
    this.#stopListening = driver.onChange((event) => {
      this.#onMemberEvent(event)
    })
    this.#startRound()
  }

  snapshot(): ClusterSnapshot {
    const now = this.#clock.now()
    // One offset for the whole snapshot, so that a stretch begins where the one before it ends.
    const epoch = epochOf(this.#clock, now)
    const toEpoch = (monotonic: number) => Math.round(epoch + monotonic - now)
    return deepFreeze({
      at: toEpoch(now),
      members: this.#driver.members().map(({ name, state, since }) => {
        const refusal = this.#pollers.get(name)?.refusal ?? null
        const status = this.#statusOf(name)
        return { name, process: state, since, status, ...(refusal !== null && { refusal }) }
      }),
      ...this.#leadership,
      quorum: this.#quorum(),
      probing: this.#probe.on,
      faults: this.#faults.records(),
      strip: viewStrip(this.#strip, now, toEpoch),
    })
  }

  watch(listener: (snapshot: ClusterSnapshot) => void): () => void {
    // A function of its own for each call: the same listener may watch twice.
    const own = (snapshot: ClusterSnapshot): void => {
      listener(snapshot)
    }
    this.#feed.add(own)
    this.#turnProbe()
    this.#startRound()
    return () => {
      this.#feed.remove(own)
      this.#turnProbe()
    }
  }

  async resolve(target: string): Promise<string> {
    this.#demandOpen()
    if (target !== 'leader' && target !== 'follower') return this.#knownMember(target)
    const { leader } = await this.#askLeadership()
    if (leader === null) throw this.#nobodyLeads(target)
    return target === 'leader' ? leader : this.#followerOf(leader)
  }

  async fault(action: FaultAction, target: string): Promise<FaultRecord> {
    const member = await this.resolve(target)
    // Closed meanwhile: asking would open connections that nobody closes any more.
    this.#demandOpen()
    const before = await this.#askLeadership()
    const fault: CommandedFault = { member, action, before, id: null }
    this.#demandOpen()
    this.#demandIdle(member, action)
    this.#busy.set(member, fault)
    this.#startBurst()
    try {
      await this.#driver[action](member)
    } finally {
      this.#busy.delete(member)
      this.#settle()
      this.#turnProbe()
    }
    return this.#faults.record(fault.id ?? this.#begin(fault, this.#clock.now()))
  }

  settled(faultId: number, signal?: AbortSignal): Promise<FaultRecord> {
    return this.#faults.ended(faultId, signal)
  }

  async waitForLeader(options: { timeoutMs: number; signal?: AbortSignal }): Promise<string> {
    const limit = this.#clock.now() + options.timeoutMs
    for (;;) {
      this.#demandOpen()
      await this.#askAll(aimDeadlineMs)
      const leader = findAgreedLeader(this.#observations())
      if (leader !== null) return leader
      if (options.signal?.aborted === true) {
        throw new LabError('INTERRUPTED', 'Waiting for a leader was interrupted')
      }
      if (this.#clock.now() > limit) {
        const seen = `No leader within ${options.timeoutMs} ms; last seen: ${this.#describe()}`
        throw new LabError('TIMEOUT', seen)
      }
      await delay(waitForLeaderEveryMs)
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    this.#stopListening()
    this.#cancelRound()
    this.#cancelBurst?.()
    this.#feed.close()
    this.#probe.turn(false)
    for (const { start } of this.#faults.active()) this.#faults.end(start.id)
    for (const poller of this.#pollers.values()) poller.disconnect()
    return Promise.resolve()
  }

  // What the driver saw

  #onMemberEvent({ member, state, monotonic }: MemberEvent): void {
    const previous = this.#processes.get(member)
    this.#processes.set(member, state)
    this.#strip = noteMember(this.#strip, monotonic, member, state)
    // A frozen process keeps its connections; a new one needs new ones.
    if (state !== 'paused' && previous !== 'paused') this.#pollers.get(member)?.disconnect()

    const fault = this.#busy.get(member) ?? this.#unexpected(member, state, previous)
    this.#judgeLeadership(monotonic)
    if (fault?.id === null && showsItself(fault.action, state)) this.#begin(fault, monotonic)
    this.#settle()
    this.#feed.changed('facts')
  }

  /** A fault that no command asked for; null when the change is none. */
  #unexpected(
    member: string,
    state: ProcessState,
    previous: ProcessState | undefined,
  ): (CommandedFault & { id: null }) | null {
    if (previous === 'starting') return null
    const actions: Partial<Record<ProcessState, FaultAction>> = {
      paused: 'pause',
      stopped: 'stop',
      killed: 'kill',
      exited: 'kill',
    }
    const action = actions[state]
    return action === undefined ? null : { member, action, before: this.#leadership, id: null }
  }

  #begin(fault: CommandedFault, zero: number): number {
    const { member, action, before } = fault
    const id = this.#faults.begin({ member, action, before, zero, at: epochOf(this.#clock, zero) })
    fault.id = id
    if (this.#busy.get(member) === fault) this.#commanded.add(id)
    this.#startBurst()
    return id
  }

  // Asking

  /** One round of questions, and the next one later. */
  #startRound(): void {
    this.#cancelRound()
    if (this.#closed) return
    const running = this.#running()
    const idle = running.filter((poller) => poller.asking === 0)
    void Promise.all(idle.map((poller) => this.#sample(poller, askDeadlineMs))).then(() => {
      this.#feed.changed('figures')
    })
    if (this.#cancelBurst === null) this.#probe.calm(running)
    this.#cancelRound = this.#clock.after(this.#feed.watched ? watchedMs : unwatchedMs, () => {
      this.#startRound()
    })
  }

  #startBurst(): void {
    this.#turnProbe()
    if (this.#cancelBurst === null) this.#burst()
  }

  #burst(): void {
    this.#cancelBurst = null
    this.#settle()
    if (this.#closed || (this.#busy.size === 0 && this.#faults.active().length === 0)) return
    const running = this.#running()
    for (const poller of running) {
      if (poller.asking < askingPerMember) void this.#sample(poller, askDeadlineMs)
    }
    this.#probe.burst(running)
    this.#feed.changed('figures')
    this.#cancelBurst = this.#clock.after(burstMs, () => {
      this.#burst()
    })
  }

  async #sample(poller: MemberPoller, deadlineMs: number): Promise<void> {
    const answer = await poller.ask(deadlineMs)
    if (this.#closed) return
    const at = this.#clock.now()
    if (answer !== null) this.#take(poller, answer, at)
    this.#judgeLeadership(at)
  }

  #take(poller: MemberPoller, answer: MemberAnswer, at: number): void {
    this.#names.set(answer.memberId, poller.name)
    const names = this.#nameOf(answer.leaderId)
    if (answer.leaderId !== null && names === null) void this.#learnNames(poller)
    const namesLiving = names !== null && this.#processes.get(names) === 'running'
    const sample = { from: poller.name, answer, at, names, namesLiving }
    this.#measure((measurement) => withSample(measurement, sample))
  }

  async #learnNames(poller: MemberPoller): Promise<void> {
    if (this.#learning) return
    this.#learning = true
    const names = await poller.memberNames(askDeadlineMs)
    this.#learning = false
    for (const [id, name] of names) if (name !== '') this.#names.set(id, name)
  }

  async #askAll(deadlineMs: number): Promise<void> {
    await Promise.all(this.#running().map((poller) => this.#sample(poller, deadlineMs)))
  }

  async #askLeadership(): Promise<Leadership> {
    await this.#askAll(aimDeadlineMs)
    return this.#leadership
  }

  // Measuring

  #measure(change: (measurement: Measurement) => Measurement): void {
    if (this.#faults.measure(change)) this.#feed.changed('facts')
    this.#settle()
  }

  /** Ends every measurement that has nothing more to see. */
  #settle(): void {
    for (const measurement of this.#faults.active()) {
      if (!this.#isSettled(measurement)) continue
      const { id } = measurement.start
      this.#commanded.delete(id)
      this.#faults.end(id)
      this.#turnProbe()
      this.#feed.changed('facts')
    }
  }

  #isSettled(measurement: Measurement): boolean {
    const { member, zero } = measurement.start
    if (this.#clock.now() - zero > burstLimitMs) return true
    if (this.#busy.has(member)) return false
    const since = this.#observations(zero)
    if (!this.#quorum().held) return knowsNoLeader(since)
    if (awaitsLeader(measurement) || findAgreedLeader(since) === null) return false
    return !this.#probe.on || measurement.record.writeGapMs !== null
  }

  /** Probe writes run while someone looks and while a commanded fault is measured. */
  #turnProbe(): void {
    const wanted = this.#feed.watched || this.#busy.size > 0 || this.#commanded.size > 0
    if (this.#probe.turn(wanted && !this.#closed)) this.#feed.changed('facts')
  }

  // Judging

  /** What every member said last, if not before `since` (monotonic). */
  #observations(since?: number): Observation[] {
    return [...this.#pollers.values()].map((poller) => {
      const process = this.#processes.get(poller.name) ?? 'exited'
      const answer = process === 'running' ? poller.answer(since) : null
      return { name: poller.name, process, answer }
    })
  }

  #judgeLeadership(at: number): void {
    const { leader, term } = findLeadership(this.#observations())
    const last = this.#leadership
    const highest = compareTerms(term, last.term) > 0 ? term : last.term
    if (leader === last.leader && highest === last.term) return
    this.#leadership = { leader, term: highest }
    this.#strip = noteLeader(this.#strip, at, this.#leadership)
    this.#feed.changed('facts')
  }

  #quorum(): ClusterSnapshot['quorum'] {
    return countQuorum([...this.#processes.values()])
  }

  #statusOf(name: string): MemberStatus | null {
    const answer = this.#observations().find((member) => member.name === name)?.answer ?? null
    if (answer === null) return null
    const { memberId, leaderId, term, revision, raftIndex, dbSize, version, latencyMs } = answer
    return {
      id: memberId,
      leader: this.#nameOf(leaderId),
      isLeader: leaderId === memberId,
      term,
      revision,
      raftIndex,
      dbSize,
      version,
      errors: [...answer.errors],
      latencyMs,
    }
  }

  #describe(): string {
    const seen = this.#observations().map(({ name, process, answer }) => {
      if (process !== 'running') return `${name} is ${process}`
      const refusal = this.#pollers.get(name)?.refusal ?? null
      if (refusal !== null) return `${name} refuses its status (${refusal})`
      if (answer === null) return `${name} does not answer`
      return `${name} names ${this.#nameOf(answer.leaderId) ?? 'nobody'} in term ${answer.term}`
    })
    return seen.join(', ')
  }

  #nameOf(id: string | null): string | null {
    return id === null ? null : (this.#names.get(id) ?? null)
  }

  #running(): MemberPoller[] {
    return [...this.#pollers.values()].filter((poller) => {
      return this.#processes.get(poller.name) === 'running'
    })
  }

  #knownMember(name: string): string {
    if (this.#pollers.has(name)) return name
    const known = [...this.#pollers.keys()].join(', ')
    throw new LabError('NO_SUCH_MEMBER', `There is no member ${name}; there are ${known}`, {
      details: { member: name },
    })
  }

  #followerOf(leader: string): string {
    const follower = this.#running().find(({ name }) => name !== leader)
    if (follower !== undefined) return follower.name
    throw new LabError('NO_SUCH_MEMBER', `No follower of ${leader} runs`, {
      details: { member: 'follower' },
    })
  }

  /** Nobody leads, or nobody says who does: that is not the same. */
  #nobodyLeads(target: string): LabError {
    const refusing = this.#running().find(({ refusal }) => refusal !== null)
    if (refusing === undefined) {
      return new LabError('NO_LEADER', 'No member leads the cluster now', { details: { target } })
    }
    const etcd = refusing.refusal ?? ''
    const message = `Nobody says who leads: ${refusing.name} refuses its status (${etcd})`
    return new LabError('ETCD_REFUSED', message, { details: { target, etcd } })
  }

  #demandOpen(): void {
    if (this.#closed) throw new LabError('CLOSED', 'The cluster is closed')
  }

  /** One thing at a time is done to a member, or the measurements would be of both. */
  #demandIdle(member: string, action: FaultAction): void {
    const busyWith = this.#busy.get(member)?.action
    if (busyWith === undefined) return
    throw new LabError('MEMBER_STATE', `Cannot ${action} ${member}: a ${busyWith} is under way`, {
      details: { member, action, state: busyWith },
    })
  }
}

/** True when `state` is what `action` brings about, so that it counts from there. */
function showsItself(action: FaultAction, state: ProcessState): boolean {
  const shown: Readonly<Record<FaultAction, readonly ProcessState[]>> = {
    kill: ['killed', 'exited'],
    stop: ['stopped', 'exited'],
    pause: ['paused'],
    resume: ['running'],
    start: ['starting'],
  }
  return shown[action].includes(state)
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze)
    Object.freeze(value)
  }
  return value
}
