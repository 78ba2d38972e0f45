import type { EtcdClient } from '../etcd/etcd-client.ts'
import type { RegistryChange, RemovalCause } from './registry.ts'

type Removal = Extract<RegistryChange, { readonly type: 'removed' }>

/** The lease is asked for after the fact: a slow answer must not hold up the news. */
const askMs = 300
/** A thousand providers may vanish at once; the leases of the first ones are looked up. */
const mostLookups = 50

/** Asks etcd what it can still tell of removals, once for all who hear of the same one. */
export class RemovalCauses {
  readonly #client: EtcdClient
  /** Under way, by lease and the revision of the removal: asked after it, as they must be. */
  readonly #asking = new Map<string, Promise<RemovalCause>>()

  constructor(client: EtcdClient) {
    this.#client = client
  }

  /**
   * Fills in whether the lease that a key was on is gone too. Never rejects; the changes and their
   * order stay as they are. Does not wait any longer once `signal` has aborted.
   */
  async explain<Change extends { readonly type: string }>(
    changes: readonly (Change | Removal)[],
    signal: AbortSignal,
  ): Promise<readonly (Change | Removal)[]> {
    const removals = changes.filter(isUnexplained)
    if (removals.length === 0) return changes
    const asked = new Map(removals.map((removal) => [removal.lease, removal]))
    const causes = new Map<string, RemovalCause>()
    const questions = [...asked.values()].slice(0, mostLookups).map(async (removal) => {
      causes.set(removal.lease, await this.#ask(removal))
    })
    await untilAborted(Promise.all(questions), signal)
    return changes.map((change) =>
      isUnexplained(change) ? { ...change, cause: causes.get(change.lease) ?? 'unknown' } : change,
    )
  }

  #ask({ lease, revision }: Removal): Promise<RemovalCause> {
    const name = `${lease} ${revision}`
    const running = this.#asking.get(name)
    if (running) return running
    const question = this.#causeFrom(lease).finally(() => this.#asking.delete(name))
    this.#asking.set(name, question)
    return question
  }

  async #causeFrom(lease: string): Promise<RemovalCause> {
    try {
      const { remaining } = await this.#client.leaseTimeToLive(lease, { deadlineMs: askMs })
      return remaining < 0 ? 'lease-ended' : 'deleted'
    } catch {
      // What etcd cannot say in time stays unknown; the removal itself is certain.
      return 'unknown'
    }
  }
}

function isUnexplained(change: { readonly type: string } | Removal): change is Removal {
  return change.type === 'removed' && 'cause' in change && change.cause === 'unknown'
}

async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const aborted: PromiseWithResolvers<void> = Promise.withResolvers()
  const onAbort = () => aborted.resolve()
  signal.addEventListener('abort', onAbort)
  await Promise.race([work, aborted.promise])
  signal.removeEventListener('abort', onAbort)
}
