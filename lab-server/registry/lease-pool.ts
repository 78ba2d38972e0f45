import { LabError, toLabError } from '../../protocol/index.ts'
import type { CallOptions } from '../etcd/etcd-calls.ts'
import type { EtcdClient } from '../etcd/etcd-client.ts'
import { randomLeaseId } from '../etcd/lease-id.ts'

/** etcd checks every key of a lease when it ends; beyond this that takes noticeable time. */
const mostKeys = 1000

export interface LeasePoolOptions {
  readonly client: EtcdClient
  /** Told of what goes wrong in the background; the pool carries on. */
  readonly onTrouble: (error: LabError) => void
}

/** One user's share of a lease. */
export interface LeaseShare {
  readonly lease: SharedLease
  /** Called once when etcd no longer has the lease. */
  readonly onLost: () => void
}

/**
 * The leases of one process: one for each TTL as long as it has fewer than a thousand keys, kept
 * alive while it has users.
 */
export class LeasePool {
  readonly #options: LeasePoolOptions
  readonly #leases = new Set<SharedLease>()
  readonly #granting = new Map<number, Promise<void>>()
  /** By TTL: the id of the last grant that was not confirmed; etcd may have it. */
  readonly #doubtful = new Map<number, string>()
  readonly #closing = new AbortController()

  constructor(options: LeasePoolOptions) {
    this.#options = options
  }

  /** A share of a lease of this TTL; callers that come while one is being granted share it. */
  async join(askedTtl: number, onLost: () => void): Promise<LeaseShare> {
    for (;;) {
      const lease = this.#find(askedTtl)
      if (lease) return lease.add(onLost)
      await this.#grantOnce(askedTtl)
    }
  }

  /**
   * Gives a share back. The last one revokes the lease, and with it its keys: true. Rejects when
   * etcd did not confirm; calling again tries again.
   */
  async leave(share: LeaseShare): Promise<boolean> {
    const { lease } = share
    if (!lease.remove(share)) return false
    await this.#revoke(lease.id, {})
    this.#leases.delete(lease)
    return true
  }

  /** etcd has just said that it does not know this lease. */
  reportLost(lease: SharedLease): void {
    this.#leases.delete(lease)
    lease.markLost()
  }

  /** Revokes everything that is or may be in etcd, within `deadlineMs`. Rejects with the first error. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing.abort()
    // A grant that was under way is doubtful now.
    await Promise.allSettled(this.#granting.values())
    const ids = [...[...this.#leases].map((lease) => lease.end()), ...this.#doubtful.values()]
    await Promise.all(ids.map((id) => this.#revoke(id, { deadlineMs })))
    this.#leases.clear()
  }

  #find(askedTtl: number): SharedLease | undefined {
    return [...this.#leases].find((lease) => lease.askedTtl === askedTtl && lease.hasRoom)
  }

  #grantOnce(askedTtl: number): Promise<void> {
    const running = this.#granting.get(askedTtl)
    if (running) return running
    const grant = this.#grant(askedTtl).finally(() => this.#granting.delete(askedTtl))
    this.#granting.set(askedTtl, grant)
    return grant
  }

  async #grant(askedTtl: number): Promise<void> {
    if (this.#closing.signal.aborted) throw new LabError('CLOSED', 'the registry is closed')
    const { client, onTrouble } = this.#options
    const signal = this.#closing.signal
    await this.#revokeDoubtful(askedTtl, signal)
    const id = randomLeaseId()
    this.#doubtful.set(askedTtl, id)
    const { ttlSeconds } = await client.leaseGrant({ id, ttlSeconds: askedTtl }, { signal })
    this.#doubtful.delete(askedTtl)
    const lease = new SharedLease({ id, askedTtl, ttlSeconds })
    this.#leases.add(lease)
    lease.keepAlive(client, onTrouble, () => this.reportLost(lease))
  }

  async #revokeDoubtful(askedTtl: number, signal: AbortSignal): Promise<void> {
    const id = this.#doubtful.get(askedTtl)
    if (id === undefined) return
    await this.#revoke(id, { signal })
    this.#doubtful.delete(askedTtl)
  }

  async #revoke(id: string, options: CallOptions): Promise<void> {
    try {
      await this.#options.client.leaseRevoke(id, options)
    } catch (error) {
      // It ended before: that is what was wanted.
      if (toLabError(error).code !== 'LEASE_LOST') throw error
    }
  }
}

/** One lease in etcd and those who have keys on it. */
export class SharedLease {
  readonly id: string
  readonly askedTtl: number
  /** As granted; etcd raises what is below its minimum. */
  readonly ttlSeconds: number
  readonly #shares = new Set<LeaseShare>()
  readonly #stop = new AbortController()
  #renewedAt = performance.now()

  constructor(facts: { id: string; askedTtl: number; ttlSeconds: number }) {
    this.id = facts.id
    this.askedTtl = facts.askedTtl
    this.ttlSeconds = facts.ttlSeconds
  }

  get hasRoom(): boolean {
    return !this.#stop.signal.aborted && this.#shares.size < mostKeys
  }

  /** Aborts when the lease is lost, or given up by its last user. */
  get ended(): AbortSignal {
    return this.#stop.signal
  }

  /** False when it is lost, or when no renewal was confirmed for a whole TTL. */
  get isFresh(): boolean {
    const age = performance.now() - this.#renewedAt
    return !this.#stop.signal.aborted && age < this.ttlSeconds * 1000
  }

  add(onLost: () => void): LeaseShare {
    const share = { lease: this, onLost }
    this.#shares.add(share)
    return share
  }

  /** True when it was the last one: the lease takes no more shares and is no longer renewed. */
  remove(share: LeaseShare): boolean {
    this.#shares.delete(share)
    if (this.#shares.size > 0) return false
    this.#stop.abort()
    return true
  }

  keepAlive(client: EtcdClient, onTrouble: (error: LabError) => void, onLost: () => void): void {
    const { id, ttlSeconds } = this
    const renewing = client.keepAlive({
      id,
      ttlSeconds,
      signal: this.#stop.signal,
      onRenewed: () => (this.#renewedAt = performance.now()),
      onTrouble: (error) => onTrouble(toLabError(error)),
    })
    void renewing.then((end) => {
      if (end === 'lost') onLost()
    })
  }

  markLost(): void {
    this.#stop.abort()
    const shares = [...this.#shares]
    this.#shares.clear()
    for (const share of shares) share.onLost()
  }

  /** Ends the renewing. Answers the id. */
  end(): string {
    this.#stop.abort()
    return this.id
  }
}
