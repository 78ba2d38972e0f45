import type {
  IAlarmRequest,
  IAlarmResponse,
  IAuthenticateResponse,
  IDeleteRangeResponse,
  ILeaseGrantResponse,
  ILeaseKeepAliveResponse,
  ILeaseLeasesResponse,
  ILeaseRevokeResponse,
  ILeaseTimeToLiveResponse,
  IMemberListResponse,
  IPutResponse,
  IRangeResponse,
  ITxnResponse,
} from 'etcd3/lib/rpc.js'
import { LabError, toLabError } from '../../protocol/index.ts'
import { Telemetry } from '../telemetry/telemetry.ts'
import { AuthSession, type Credentials } from './auth-session.ts'
import { waitWithin, type CallLimits } from './call-limits.ts'
import { callWithToken } from './call-with-token.ts'
import { EtcdConnection, type ConnectionOptions, type PingOptions } from './connection.ts'
import type {
  AnswerHeader,
  CallOptions,
  ClusterMember,
  DeleteAnswer,
  DeleteRequest,
  KeepAliveRequest,
  KeyRange,
  LeaseGrant,
  LeaseTime,
  PutAnswer,
  PutRequest,
  RangeAnswer,
  RangeRequest,
  TxnAnswer,
  TxnRequest,
  WatchBatch,
  WatchRequest,
} from './etcd-calls.ts'
import { FailoverCall, type CallPlan } from './failover-call.ts'
import type { AlarmFacts } from './etcd-inspector.ts'
import type { EtcdMember } from './etcd-member.ts'
import { KeySpace } from './key-space.ts'
import { keepLeaseAlive } from './keep-alive.ts'
import { KeyWatcher } from './key-watcher.ts'
import { randomLeaseId } from './lease-id.ts'
import { connectMember } from './member.ts'
import { Scout } from './scout.ts'
import { TlsCredentials } from './tls-credentials.ts'
import type { TlsFiles } from './tls-files.ts'
import { guardListener } from './trouble-listener.ts'
import { watchRange } from './watch-range.ts'
import type { WatchStreamOptions } from './watch-stream.ts'
import {
  fromDelete,
  fromHeader,
  fromPut,
  fromRange,
  fromTxn,
  hexadecimalId,
  toDelete,
  toPut,
  toRange,
  toTxn,
} from './wire.ts'

export interface EtcdClientOptions {
  /** `unix:///path`, `http://host:port` or `https://host:port`, at least one. */
  readonly endpoints: readonly string[]
  /** Stands before every key in etcd and in no answer; see `KeySpace`. Default: none. */
  readonly namespace?: string
  /** For one call with all its attempts, milliseconds. Default 10 000. */
  readonly deadlineMs?: number
  /**
   * How long the first member may take before the others are asked how they are, milliseconds.
   * Default 150; grows by itself where the cluster is simply slow.
   */
  readonly patienceMs?: number
  readonly pings?: PingOptions
  /**
   * Needed once authentication is enabled (`etcdctl auth enable`), harmless before: the token is
   * asked for with the first call, and anew whenever etcd refuses the one there is.
   */
  readonly credentials?: Credentials
  /** For `https://`. The files are read now, and again when they change. */
  readonly tls?: TlsFiles
  /**
   * Told of what goes wrong in the background while work goes on: a watch whose user is refused, a
   * replaced certificate that cannot be used.
   */
  readonly onTrouble?: (error: LabError) => void
  /** Where metrics and spans go. Default: to the global providers of the OpenTelemetry API. */
  readonly telemetry?: Telemetry
}

/**
 * A client of one cluster that keeps working while members die, freeze and change roles.
 *
 * Every call is **at least once**: an attempt that was not answered is made again, possibly on
 * another member, and both may take effect. Anything conditional belongs into a Txn.
 *
 * Calls reject with `LabError`: `TIMEOUT`, `UNAVAILABLE` (no member answers) or `QUORUM_LOST` (the
 * members that answer have no leader) when the deadline has passed; `ETCD_REFUSED` with etcd's own
 * text (a wrong password too), `COMPACTED` and `LEASE_LOST` at once; `INTERRUPTED` when their signal
 * aborts; `CLOSED`. The constructor throws `CONFIG` for TLS files that cannot be used.
 */
export class EtcdClient {
  readonly endpoints: readonly string[]
  /** For whoever builds on this client. */
  readonly telemetry: Telemetry
  readonly namespace: string
  readonly #keys: KeySpace
  readonly #common: Omit<ConnectionOptions, 'purpose'>
  readonly #connections: readonly EtcdConnection[]
  readonly #streams: readonly EtcdConnection[]
  readonly #scout: Scout
  readonly #tls: TlsCredentials | null
  readonly #auth: AuthSession | null
  readonly #onTrouble: (error: LabError) => void
  readonly #deadlineMs: number
  readonly #closing = new AbortController()

  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) {
      throw new LabError('CONFIG', 'an etcd client needs at least one endpoint')
    }
    const { pings, credentials, tls, onTrouble } = options
    this.endpoints = [...options.endpoints]
    this.telemetry = options.telemetry ?? new Telemetry()
    this.namespace = options.namespace ?? ''
    this.#keys = new KeySpace(this.namespace)
    this.#deadlineMs = options.deadlineMs ?? 10_000
    this.#onTrouble = guardListener(onTrouble)
    this.#tls = tls === undefined ? null : new TlsCredentials(tls, this.#onTrouble)
    this.#auth =
      credentials === undefined
        ? null
        : new AuthSession(credentials, (plan) => this.#authenticate(plan))
    this.#common = {
      ...(pings !== undefined && { pings }),
      ...(this.#tls !== null && { tls: this.#tls }),
      token: () => this.#auth?.token ?? null,
    }
    this.#connections = connectAll(this.endpoints, { ...this.#common, purpose: 'calls' })
    // Apart from the calls: a consumer that reads a watch slowly must not hold up anything else.
    this.#streams = connectAll(this.endpoints, { ...this.#common, purpose: 'watches' })
    this.#scout = new Scout(this.#connections, {
      patienceMs: options.patienceMs ?? 150,
      onTokenHeldBack: () => void this.#replaceToken(),
    })
  }

  async range(request: RangeRequest, options: CallOptions = {}): Promise<RangeAnswer> {
    const answer = await this.#call<IRangeResponse>(
      {
        service: 'KV',
        method: 'range',
        request: toRange({ ...request, ...this.#keys.range(request) }),
        needsLeader: request.serializable !== true,
      },
      options,
    )
    return this.#keys.rangeAnswer(fromRange(answer))
  }

  async put(request: PutRequest, options: CallOptions = {}): Promise<PutAnswer> {
    const put = toPut(this.#keys.request(request))
    const answer = await this.#call<IPutResponse>(
      { service: 'KV', method: 'put', request: put, needsLeader: true },
      options,
    )
    return this.#keys.putAnswer(fromPut(answer))
  }

  async deleteRange(request: DeleteRequest, options: CallOptions = {}): Promise<DeleteAnswer> {
    const range = toDelete({ ...request, ...this.#keys.range(request) })
    const answer = await this.#call<IDeleteRangeResponse>(
      { service: 'KV', method: 'deleteRange', request: range, needsLeader: true },
      options,
    )
    return this.#keys.deleteAnswer(fromDelete(answer))
  }

  async txn(request: TxnRequest, options: CallOptions = {}): Promise<TxnAnswer> {
    const txn = toTxn(this.#keys.txn(request))
    const answer = await this.#call<ITxnResponse>(
      { service: 'KV', method: 'txn', request: txn, needsLeader: true },
      options,
    )
    const { results, ...rest } = fromTxn(answer)
    return { ...rest, results: results.map((result) => this.#keys.result(result)) }
  }

  /** The id is chosen here, so that a grant made twice is still one lease. */
  async leaseGrant(
    lease: { readonly ttlSeconds: number; readonly id?: string },
    options: CallOptions = {},
  ): Promise<LeaseGrant> {
    const id = lease.id ?? randomLeaseId()
    try {
      const answer = await this.#call<ILeaseGrantResponse>(
        {
          service: 'Lease',
          method: 'leaseGrant',
          request: { ID: id, TTL: lease.ttlSeconds },
          needsLeader: true,
        },
        options,
      )
      return { header: fromHeader(answer.header), id: answer.ID, ttlSeconds: Number(answer.TTL) }
    } catch (error) {
      if (!wasDoneByEarlierAttempt(error, 'lease already exists')) throw error
      const found = await this.leaseTimeToLive(id, options)
      return { header: found.header, id, ttlSeconds: found.grantedTtl }
    }
  }

  /** Removes the lease and its keys. `LEASE_LOST` when etcd did not know it. */
  async leaseRevoke(id: string, options: CallOptions = {}): Promise<void> {
    try {
      await this.#call<ILeaseRevokeResponse>(
        { service: 'Lease', method: 'leaseRevoke', request: { ID: id }, needsLeader: true },
        options,
      )
    } catch (error) {
      if (!wasDoneByEarlierAttempt(error, 'lease not found')) throw error
    }
  }

  /** Does not reject for a lease that is gone: see `LeaseTime`. */
  async leaseTimeToLive(
    id: string,
    options: CallOptions & { readonly keys?: boolean } = {},
  ): Promise<LeaseTime> {
    const answer = await this.#call<ILeaseTimeToLiveResponse>(
      {
        service: 'Lease',
        method: 'leaseTimeToLive',
        request: { ID: id, keys: options.keys ?? false },
        needsLeader: true,
      },
      options,
    )
    return {
      header: fromHeader(answer.header),
      id: answer.ID,
      grantedTtl: Number(answer.grantedTTL),
      remaining: Number(answer.TTL),
      keys: this.#keys.own(answer.keys),
    }
  }

  /** Ids of all leases, decimal, as the answering member knows them. */
  async leases(
    options: CallOptions = {},
  ): Promise<{ readonly header: AnswerHeader; readonly ids: readonly string[] }> {
    const answer = await this.#call<ILeaseLeasesResponse>(
      { service: 'Lease', method: 'leaseLeases', request: {}, needsLeader: false },
      options,
    )
    return { header: fromHeader(answer.header), ids: answer.leases.map((lease) => lease.ID) }
  }

  async memberList(
    options: CallOptions = {},
  ): Promise<{ readonly header: AnswerHeader; readonly members: readonly ClusterMember[] }> {
    const answer = await this.#call<IMemberListResponse>(
      {
        service: 'Cluster',
        method: 'memberList',
        request: { linearizable: true },
        needsLeader: true,
      },
      options,
    )
    const members = answer.members.map((member) => ({
      id: hexadecimalId(member.ID),
      name: member.name,
      peerUrls: member.peerURLs,
      clientUrls: member.clientURLs,
      isLearner: member.isLearner,
    }))
    return { header: fromHeader(answer.header), members }
  }

  /** Alarms that are raised now, on whichever member. */
  async alarms(options: CallOptions = {}): Promise<readonly AlarmFacts[]> {
    const answer = await this.#call<IAlarmResponse>(
      {
        service: 'Maintenance',
        method: 'alarm',
        request: { action: 'Get', memberID: '0', alarm: 'None' } satisfies IAlarmRequest,
        needsLeader: true,
      },
      options,
    )
    return answer.alarms.flatMap(({ alarm, memberID }) => {
      const name = alarm.toUpperCase()
      const memberId = hexadecimalId(memberID)
      return name === 'NOSPACE' || name === 'CORRUPT' ? [{ alarm: name, memberId }] : []
    })
  }

  /**
   * Every change of the range from `fromRevision` on: no gap, no repeat, no reordering, whatever
   * happens to the members. Reading slowly slows the stream down; nothing is dropped. Ends when
   * `signal` aborts, the client closes, or the consumer leaves its loop. Throws `COMPACTED` with
   * `details.compactRevision` when etcd no longer has what comes next, `HISTORY_CHANGED` when the
   * cluster's history is another one (restored from a copy, or another cluster at the same address);
   * in both cases the caller lists again. A refusal (`ETCD_REFUSED`) ends it at its beginning; with
   * credentials a watch that has run outlives refusals: it tells `onTrouble` and asks again, ever
   * less often.
   */
  async *watch(request: WatchRequest): AsyncGenerator<WatchBatch, void, undefined> {
    const signal = this.#untilClosed(request.signal)
    if (signal.aborted) return
    const fromRevision = request.fromRevision ?? (await this.#revisionAfterNow(request, signal))
    if (fromRevision === null) return
    const range = { ...request, ...this.#keys.range(request), fromRevision, signal }
    for await (const batch of watchRange(range, this.#watching())) yield this.#keys.batch(batch)
  }

  /**
   * For any number of single keys over one stream, each with the guarantees of `watch`; ended by
   * whoever asked for it, or with the client.
   */
  watchKeys(): KeyWatcher {
    return new KeyWatcher(this.#watching(), this.#keys, this.#closing.signal)
  }

  /**
   * One renewal; resolves with the seconds that the lease has now. `LEASE_LOST` when it is gone. One
   * call like any other, with everything that gets a call past dead and frozen members: a stream
   * that stays open would have to be guarded against falling silent instead.
   */
  async leaseRenew(id: string, options: CallOptions = {}): Promise<number> {
    const answer = await this.#call<ILeaseKeepAliveResponse>(
      {
        service: 'Lease',
        method: 'leaseKeepAlive',
        request: { ID: id },
        needsLeader: true,
        streamed: true,
      },
      options,
    )
    const ttlSeconds = Number(answer.TTL)
    if (ttlSeconds === 0) throw new LabError('LEASE_LOST', `etcd does not know lease ${id}`)
    return ttlSeconds
  }

  /**
   * Renews a lease every third of its TTL until etcd says that it is gone (`lost`), or until
   * `signal` aborts or the client closes (`ended`). Never rejects: while etcd cannot be asked it
   * keeps trying, since an outage does not expire leases.
   */
  keepAlive(request: KeepAliveRequest): Promise<'lost' | 'ended'> {
    const signal = this.#untilClosed(request.signal)
    return keepLeaseAlive(request, signal, (options) => this.leaseRenew(request.id, options))
  }

  /**
   * One member and no other, with this client's certificates and in the name of its user. Whoever
   * connects closes. What asks for a token is asked through `asUser`.
   */
  connectMember(endpoint: string): EtcdMember {
    return connectMember(endpoint, this.#common)
  }

  /** Makes a call on a member with a token that etcd takes; see `callWithToken`. */
  asUser<T>(attempted: string, call: () => Promise<T>, options: CallOptions = {}): Promise<T> {
    return this.#withToken(attempted, call, this.#limits(options))
  }

  /** Ends every call, watch and renewal and closes all connections. Idempotent. */
  close(): void {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new LabError('CLOSED', 'the etcd client was closed'))
    this.#scout.close()
    for (const connection of [...this.#connections, ...this.#streams]) connection.close()
    this.#tls?.close()
  }

  #call<T>(plan: CallPlan, options: CallOptions): Promise<T> {
    const limits = this.#limits(options)
    const record = this.telemetry.startCall(plan)
    const call = (): Promise<T> => new FailoverCall<T>(this.#scout, plan, limits, record).run()
    if (record === null) return this.#withToken(plan.method, call, limits)
    return record.run(() => this.#withToken(plan.method, call, limits))
  }

  #withToken<T>(attempted: string, call: () => Promise<T>, limits: CallLimits): Promise<T> {
    const auth = this.#auth
    if (auth === null) return call()
    return callWithToken(auth, call, (generation) =>
      waitWithin(auth.renew(generation), limits, {
        attempted,
        onTimeout: () => this.#scout.verdict(`${attempted} without a token`, null),
      }),
    )
  }

  async #replaceToken(): Promise<void> {
    try {
      if (await this.#auth?.replaceHeldBack()) this.#scout.beginEpoch()
    } catch (error) {
      // The calls that wait go on waiting, and say in the end why.
      if (toLabError(error).code !== 'CLOSED') this.#onTrouble(toLabError(error))
    }
  }

  /** A call without the token that it asks for. */
  #authenticate(plan: CallPlan): Promise<IAuthenticateResponse> {
    const record = this.telemetry.startCall(plan)
    const call = new FailoverCall<IAuthenticateResponse>(
      this.#scout,
      plan,
      this.#limits({}),
      record,
    )
    return record === null ? call.run() : record.run(() => call.run())
  }

  #watching(): WatchStreamOptions {
    return {
      connections: this.#streams,
      scout: this.#scout,
      auth: this.#auth,
      onTrouble: this.#onTrouble,
      telemetry: this.telemetry,
    }
  }

  #limits({ deadlineMs = this.#deadlineMs, signal }: CallOptions): CallLimits {
    return {
      end: performance.now() + deadlineMs,
      signals: [this.#closing.signal, ...(signal === undefined ? [] : [signal])],
    }
  }

  /** Null when the signal aborted meanwhile. */
  async #revisionAfterNow(range: KeyRange, signal: AbortSignal): Promise<string | null> {
    try {
      const { header } = await this.range({ ...range, countOnly: true }, { signal })
      return (BigInt(header.revision) + 1n).toString()
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  }

  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    const closing = this.#closing.signal
    return signal === undefined ? closing : AbortSignal.any([closing, signal])
  }
}

function connectAll(
  endpoints: readonly string[],
  options: ConnectionOptions,
): readonly EtcdConnection[] {
  return endpoints.map((url) => new EtcdConnection(url, options))
}

/** True when a repeated attempt was refused because the one before it had been executed. */
function wasDoneByEarlierAttempt(error: unknown, text: string): boolean {
  return (
    error instanceof LabError &&
    Number(error.details['attempts'] ?? 1) > 1 &&
    error.message.includes(text)
  )
}
