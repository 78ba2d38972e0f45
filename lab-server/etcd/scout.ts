import type { IResponseHeader, IStatusResponse } from 'etcd3/lib/rpc.js'
import { LabError } from '../../protocol/index.ts'
import type { EtcdConnection, UnaryCall } from './connection.ts'
import { fromGrpcError, refusesToken } from './etcd-errors.ts'
import { Patience } from './patience.ts'
import { probeMember } from './probe.ts'
import { hexadecimalId } from './wire.ts'

/** What the last questions said of one member. */
interface Finding {
  /** Kept when the member dies: it tells whose leadership died with it. */
  memberId: string | null
  /** The leader that it follows; the leader of its term when it may not tell us who that is. */
  leaderId: string | null
  term: bigint
  /** The last question was answered (perhaps with a refusal), not failed. */
  answered: boolean
  failure: LabError | null
  /** It has refused Status: to whoever is not root, or has no valid token. */
  refusesStatus: boolean
  pending: { readonly call: UnaryCall<unknown>; readonly since: number } | null
}

interface ScoutOptions {
  readonly patienceMs: number
  /**
   * Called when a member answers whoever sends no token, and not, or not well, us who send one. etcd
   * holds back every call whose token was given out at a later Raft index than the member has
   * reached: for a moment where a member catches up, and for good where it was restored from a copy.
   */
  readonly onTokenHeldBack: () => void
}

interface Leader {
  readonly id: string
  /** Index of its endpoint; null when the leader is none of ours. */
  readonly index: number | null
}

/** Between two rounds of questions, milliseconds: this is what a call may lose after an election. */
const roundMs = 25
/** After so long, an outage is not about to end within milliseconds: ask less and less often. */
const eagerMs = 5000
const slowestRoundMs = 250
/** A Status that takes longer says that its member is frozen or gone. */
const lateMs = 100
const statusDeadlineMs = 1000

/**
 * Knows which members are worth a call. While at least one call is in trouble it asks all members
 * for their Status (or their term, where Status is refused), once for all calls together, and tells
 * the calls what changed; otherwise it costs nothing. What calls learn (who answered last, how long
 * answers take) is shared through it.
 */
export class Scout {
  readonly connections: readonly EtcdConnection[]
  readonly patience: Patience
  readonly #findings: readonly Finding[]
  readonly #followers = new Set<() => void>()
  #preferred: number
  #knownLeader: string | null = null
  #epoch = 0
  #timer: NodeJS.Timeout | null = null
  #lookingSince = 0
  #closed = false
  readonly #onTokenHeldBack: () => void

  constructor(connections: readonly EtcdConnection[], options: ScoutOptions) {
    this.connections = connections
    this.#onTokenHeldBack = options.onTokenHeldBack
    this.patience = new Patience(options.patienceMs)
    this.#findings = connections.map(newFinding)
    this.#preferred = Math.floor(Math.random() * connections.length)
  }

  /**
   * Grows with every change of leadership that was seen, and of the token. A proposal made in an
   * earlier epoch may have been lost without a word: a member forwards it to the leader it believes
   * in.
   */
  get epoch(): number {
    return this.#epoch
  }

  /** Nothing that was asked before can be hoped for any more. */
  beginEpoch(): void {
    this.#epoch += 1
    this.#tell()
  }

  get isLooking(): boolean {
    return this.#timer !== null
  }

  /** The member that answered last. */
  get preferred(): number {
    return this.#preferred
  }

  noteAnswer(index: number): void {
    this.#preferred = index
  }

  /** Keeps looking, and calls `listener` whenever something may have changed, until undone. */
  follow(listener: () => void): () => void {
    this.#followers.add(listener)
    if (this.#timer === null && !this.#closed) this.#start()
    return () => {
      this.#followers.delete(listener)
      if (this.#followers.size === 0) this.#stop()
    }
  }

  /** False also when nothing is known yet. */
  answers(index: number): boolean {
    const finding = this.#findings[index]
    return finding !== undefined && finding.answered && !isLate(finding)
  }

  /** True when the member is known not to answer. */
  isSilent(index: number): boolean {
    const finding = this.#findings[index]
    return finding !== undefined && (finding.failure !== null || isLate(finding))
  }

  /** The member answers and, where that matters, follows (or is) a leader that answers. */
  isSound(index: number, needsLeader: boolean): boolean {
    if (!this.answers(index)) return false
    if (!needsLeader) return true
    const leader = this.#leader()
    return leader !== null && this.#findings[index]?.leaderId === leader.id
  }

  /** The soundest member: the leader, else the preferred, else any. Null when none is sound. */
  best(needsLeader: boolean): number | null {
    const leader = this.#leader()?.index ?? null
    if (leader !== null) return leader
    if (this.isSound(this.#preferred, needsLeader)) return this.#preferred
    const any = this.connections.findIndex((_, index) => this.isSound(index, needsLeader))
    return any === -1 ? null : any
  }

  /** Why a call that has run out of time got no answer. */
  verdict(attempted: string, last: LabError | null): LabError {
    const seen = this.#findings.map(
      (finding, index) => `${this.connections[index]?.url ?? ''} ${describe(finding)}`,
    )
    const answering = this.#findings.filter((_, index) => this.answers(index))
    const leaderless = this.isLooking && this.#leader() === null
    const text = `${attempted}: no answer in time; last seen: ${seen.join('; ')}`
    const tls = this.#findings.find((finding) => finding.failure?.details['tls'] !== undefined)
    const options = {
      ...(last !== null && { cause: last }),
      details: { ...(tls?.failure && { tls: tls.failure.details['tls'] ?? '' }) },
    }
    if (leaderless && answering.length === 0) return new LabError('UNAVAILABLE', text, options)
    if (leaderless && answering.length * 2 <= this.#findings.length) {
      return new LabError('QUORUM_LOST', text, options)
    }
    if (leaderless && answering.every((finding) => finding.leaderId === null)) {
      return new LabError('QUORUM_LOST', text, options)
    }
    return new LabError('TIMEOUT', text, options)
  }

  close(): void {
    this.#closed = true
    this.#followers.clear()
    this.#stop()
  }

  #start(): void {
    this.#lookingSince = performance.now()
    for (const finding of this.#findings) {
      finding.answered = false
      finding.failure = null
      // There may be a better token by now.
      finding.refusesStatus = false
    }
    this.#round()
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const finding of this.#findings) {
      const pending = finding.pending
      finding.pending = null
      pending?.call.cancel()
    }
  }

  #round(): void {
    const lookingFor = performance.now() - this.#lookingSince
    const pause =
      lookingFor < eagerMs ? roundMs : Math.min((roundMs * lookingFor) / eagerMs, slowestRoundMs)
    this.#timer = setTimeout(() => this.#round(), pause)
    this.connections.forEach((connection, index) => {
      const finding = this.#findings[index]
      if (finding?.pending === null) void this.#ask(connection, finding)
    })
    // Lateness comes with time alone.
    this.#tell()
  }

  async #ask(
    connection: EtcdConnection,
    finding: Finding,
    question: 'status' | 'term' = finding.refusesStatus ? 'term' : 'status',
  ): Promise<void> {
    const call = question === 'term' ? askTerm(connection) : askStatus(connection)
    const pending = { call, since: performance.now() }
    finding.pending = pending
    try {
      const answer = await call.answer
      if (finding.pending !== pending) return
      Object.assign(finding, answer, { answered: true, failure: null })
      if (question === 'term' && !finding.refusesStatus) this.#onTokenHeldBack()
    } catch (error) {
      if (finding.pending !== pending) return
      const failure = fromGrpcError(error, 'status')
      if (question === 'status' && connection.sendsToken && concernsToken(failure)) {
        return this.#ask(connection, finding, 'term')
      }
      if (question === 'status' && failure.code === 'ETCD_REFUSED') {
        finding.refusesStatus = true
        return this.#ask(connection, finding)
      }
      // A refusal is an answer too, though it says nothing of the leader.
      finding.answered = failure.code === 'ETCD_REFUSED' || failure.code === 'NO_LEADER'
      finding.failure = finding.answered ? null : failure
      // Whoever comes back at this address may be another, with another history.
      if (failure.code === 'UNAVAILABLE') finding.refusesStatus = false
      if (failure.code === 'NO_LEADER') finding.leaderId = null
    }
    finding.pending = null
    this.#noteLeader()
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#followers]) listener()
  }

  #noteLeader(): void {
    const leader = this.#leader()
    if (leader === null) {
      if (this.#leadershipEnded()) this.#knownLeader = null
      return
    }
    if (leader.id === this.#knownLeader) return
    this.#knownLeader = leader.id
    this.#epoch += 1
  }

  #leadershipEnded(): boolean {
    const answering = this.#findings.filter((finding) => finding.answered)
    if (answering.length > 0 && answering.every((finding) => finding.leaderId === null)) return true
    const known = this.#findings.find((finding) => finding.memberId === this.#knownLeader)
    // Lateness alone is not the end: a leader that was frozen for a moment goes on leading.
    return known?.failure?.code === 'UNAVAILABLE'
  }

  /**
   * The leader that the answering members name: one that says so itself if there is one, the one
   * most members name if several do. Members go on naming a dead leader until they elect another.
   */
  #leader(): Leader | null {
    let best: { leader: Leader; confirmed: boolean; votes: number; term: bigint } | null = null
    for (const [index, finding] of this.#findings.entries()) {
      if (!this.answers(index) || finding.leaderId === null) continue
      const id = finding.leaderId
      const at = this.#findings.findIndex((other) => other.memberId === id)
      const itself = this.#findings[at]
      const confirmed = itself !== undefined && this.answers(at) && itself.leaderId === id
      // One of ours that does not confirm it (dead, frozen, restarted) leads no more.
      if (itself !== undefined && !confirmed) continue
      const votes = this.#findings.filter(
        (other, from) => this.answers(from) && other.leaderId === id,
      ).length
      const candidate = {
        leader: { id, index: confirmed ? at : null },
        confirmed,
        votes,
        term: itself?.term ?? finding.term,
      }
      if (best === null || outranks(candidate, best)) best = candidate
    }
    return best === null ? null : best.leader
  }
}

type Answer = Pick<Finding, 'memberId' | 'leaderId' | 'term'>

function askStatus(connection: EtcdConnection): UnaryCall<Answer> {
  const call = connection.unary<IStatusResponse>('Maintenance', 'status', {}, statusDeadlineMs)
  return {
    answer: call.answer.then(({ header, leader, raftTerm }) => ({
      memberId: hexadecimalId(header.member_id),
      leaderId: leader === '0' ? null : hexadecimalId(leader),
      term: BigInt(raftTerm),
    })),
    cancel: () => call.cancel(),
  }
}

/**
 * For whoever is refused Status. A term has one leader at most, so the term names it, though not to its
 * face: that a leader has died shows only when the next term begins.
 */
function askTerm(connection: EtcdConnection): UnaryCall<Answer> {
  const call = probeMember(connection, { deadlineMs: statusDeadlineMs, requireLeader: true })
  return {
    answer: call.answer.then((header: IResponseHeader) => ({
      memberId: hexadecimalId(header.member_id),
      leaderId: `the leader of term ${header.raft_term}`,
      term: BigInt(header.raft_term),
    })),
    cancel: () => call.cancel(),
  }
}

/** A member that holds a token back refuses it when the deadline has passed, if we still hear it. */
function concernsToken(failure: LabError): boolean {
  return failure.code === 'TIMEOUT' || refusesToken(failure)
}

interface Claim {
  readonly confirmed: boolean
  readonly votes: number
  readonly term: bigint
}

function outranks(one: Claim, other: Claim): boolean {
  if (one.confirmed !== other.confirmed) return one.confirmed
  if (one.votes !== other.votes) return one.votes > other.votes
  return one.term > other.term
}

function newFinding(): Finding {
  return {
    memberId: null,
    leaderId: null,
    term: 0n,
    answered: false,
    failure: null,
    refusesStatus: false,
    pending: null,
  }
}

function isLate(finding: Finding): boolean {
  return finding.pending !== null && performance.now() - finding.pending.since > lateMs
}

function describe(finding: Finding): string {
  if (finding.failure !== null) return finding.failure.message
  if (isLate(finding)) return 'does not answer'
  if (!finding.answered) return 'was not asked'
  if (finding.leaderId === null) return 'has no leader'
  return `names ${finding.leaderId} as leader`
}
