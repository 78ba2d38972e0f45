import { LabError, toLabError } from '../../../protocol/index.ts'
import type { CallOptions } from '../../etcd/etcd-calls.ts'
import type { RawKey } from '../../etcd/etcd-inspector.ts'
import { decodeInstance, encodeInstance } from '../codec.ts'
import type { Registration, ServiceInstance } from '../registry.ts'
import { instanceKey } from '../service-key.ts'
import { NaiveRegistration, type NaiveLease } from './naive-registration.ts'
import type { NaiveTools } from './naive-tools.ts'

/** The provider's side: what this process has registered, and the heartbeat that goes over it. */
export class NaiveProvider {
  readonly #tools: NaiveTools
  readonly #local = new Map<string, NaiveRegistration>()

  constructor(tools: NaiveTools) {
    this.#tools = tools
  }

  registrations(): readonly Registration[] {
    return [...this.#local.values()]
  }

  async register(
    instance: ServiceInstance,
    ttlSeconds: number,
    calls: CallOptions,
  ): Promise<Registration> {
    const { etcd } = this.#tools
    const lease = await this.#grant(ttlSeconds, calls)
    try {
      const put = { key: instanceKey(instance), value: encodeInstance(instance), lease: lease.id }
      await etcd.put(put, calls)
    } catch (error) {
      await this.#giveUp(lease)
      throw error
    }
    return this.#remember(instance, ttlSeconds, lease)
  }

  async deregister(key: string): Promise<void> {
    const { etcd, has, calls } = this.#tools
    const own = this.#local.get(key)
    this.#local.delete(key)
    own?.end()
    if (has('never-revokes')) {
      // Fault 9: nobody waits for the answer, so a delete that fails looks like one that did not.
      etcd.deleteRange({ key }, calls).catch(() => undefined)
      return
    }
    const { deleted } = await etcd.deleteRange({ key }, calls)
    if (own) await this.#giveUp(own.lease())
    else if (deleted === 0) throw new LabError('NOT_REGISTERED', `${key} is not in the registry`)
  }

  /** Never rejects. */
  async beat(): Promise<void> {
    const { has, onTrouble, calls } = this.#tools
    for (const registration of [...this.#local.values()]) {
      try {
        await this.#renew(registration)
      } catch (error) {
        if (calls.signal.aborted) return
        const trouble = toLabError(error)
        if (trouble.code === 'LEASE_LOST') registration.lose(registration.lease())
        onTrouble(trouble)
        // Fault 12: the rest waits for the next beat, which ends at the same key.
        if (has('one-throw-stops-all')) return
      }
    }
  }

  /** Deletes what it registered, best effort. */
  async close(deadlineMs: number): Promise<void> {
    const { etcd, has, onTrouble } = this.#tools
    const registrations = [...this.#local.values()]
    this.#local.clear()
    const remove = async (registration: NaiveRegistration) => {
      registration.end()
      try {
        await etcd.deleteRange({ key: registration.key }, { deadlineMs })
        if (!has('never-revokes')) await this.#revoke(registration.lease(), { deadlineMs })
      } catch (error) {
        onTrouble(toLabError(error))
      }
    }
    await Promise.all(registrations.map(remove))
  }

  async #renew(registration: NaiveRegistration): Promise<void> {
    const { etcd, has, calls } = this.#tools
    const { kvs } = await etcd.range({ key: registration.key }, calls)
    const [found] = kvs
    // Fault 10: whoever was away for longer than its TTL has to be restarted.
    if (!found && has('skips-expired-key')) return
    const instance = this.#desired(registration, found)
    // Fault 8: the heartbeat is a registration: a new lease and a PUT, whatever it has found.
    if (has('heartbeat-rewrites') || this.#differs(registration, instance, found))
      await this.#putAgain(registration, instance, found)
  }

  /** Fault 11: what etcd holds is believed, whoever wrote it. */
  #desired(registration: NaiveRegistration, found: RawKey | undefined): ServiceInstance {
    if (!found || !this.#tools.has('trusts-read-back')) return registration.instance
    const read = decodeInstance(found.value)
    if (!read.ok) throw new LabError('UNDECODABLE', `${registration.key}: ${read.reason}`)
    return read.value
  }

  #differs(
    registration: NaiveRegistration,
    desired: ServiceInstance,
    found: RawKey | undefined,
  ): boolean {
    if (!found || instanceKey(desired) !== registration.key) return true
    if (this.#tools.has('trusts-read-back')) return false
    const written = Buffer.from(found.value).toString()
    return found.lease !== registration.lease().id || written !== encodeInstance(desired)
  }

  async #putAgain(
    registration: NaiveRegistration,
    instance: ServiceInstance,
    found: RawKey | undefined,
  ): Promise<void> {
    const { etcd, has, calls } = this.#tools
    const isFresh = has('heartbeat-rewrites') || registration.isLost
    const { askedTtl } = registration
    const lease = isFresh ? await this.#grant(askedTtl, calls) : registration.lease()
    const put = { key: instanceKey(instance), value: encodeInstance(instance), lease: lease.id }
    if (has('heartbeat-races-deregister')) {
      // Fault 13: it may have been deregistered since it was read; now it is back, and remembered.
      await etcd.put(put, calls)
    } else {
      const unchanged = found?.modRevision ?? '0'
      const { succeeded } = await etcd.txn(
        {
          compare: [{ key: registration.key, target: 'mod', is: '=', value: unchanged }],
          success: [{ put }],
        },
        calls,
      )
      if (!succeeded || registration.ended.aborted) {
        if (isFresh) await this.#giveUp(lease)
        return
      }
    }
    await this.#remember(instance, askedTtl, lease)
  }

  async #remember(
    instance: ServiceInstance,
    askedTtl: number,
    lease: NaiveLease,
  ): Promise<NaiveRegistration> {
    const key = instanceKey(instance)
    const known =
      this.#local.get(key) ?? new NaiveRegistration(instance, () => this.deregister(key))
    this.#local.set(key, known)
    const former = known.hold(instance, askedTtl, lease)
    if (former.id === lease.id) return known
    if (!this.#tools.has('heartbeat-rewrites')) void this.#keepAlive(known, lease)
    if (former.id !== '0') await this.#giveUp(former)
    return known
  }

  /** Without fault 8: renewed every third of its TTL, which writes nothing. Never rejects. */
  async #keepAlive(registration: NaiveRegistration, lease: NaiveLease): Promise<void> {
    const { etcd, calls } = this.#tools
    const signal = AbortSignal.any([registration.ended, calls.signal])
    if ((await etcd.keepAlive({ ...lease, signal })) === 'lost') registration.lose(lease)
  }

  async #grant(ttlSeconds: number, calls: CallOptions): Promise<NaiveLease> {
    const { id, ttlSeconds: granted } = await this.#tools.etcd.leaseGrant({ ttlSeconds }, calls)
    return { id, ttlSeconds: granted }
  }

  /** Fault 9: a lease that is not needed any more is left to run out. */
  async #giveUp(lease: NaiveLease): Promise<void> {
    const { has, calls } = this.#tools
    if (!has('never-revokes')) await this.#revoke(lease, calls)
  }

  async #revoke(lease: NaiveLease, calls: CallOptions): Promise<void> {
    try {
      await this.#tools.etcd.leaseRevoke(lease.id, calls)
    } catch (error) {
      // It has run out by itself: just as well.
      if (toLabError(error).code !== 'LEASE_LOST') throw error
    }
  }
}
