import type { CallOutcome } from '../../providers/provider-control.ts'
import type { FollowedService } from '../../registry/registry.ts'
import type { Balancer } from './balancer.ts'
import { type Attempt, callOnce } from './call-once.ts'
import { callable, dialAddress, weightOf } from './callable.ts'

export interface CallerOptions {
  readonly view: FollowedService
  readonly balancer: Balancer
  readonly send: (address: string) => Promise<CallOutcome>
}

/** Makes one call each time: chooses from the view of that moment, and knows who owes an answer. */
export function createCaller({
  view,
  balancer,
  send,
}: CallerOptions): () => Promise<readonly Attempt[]> {
  const pending = new Map<string, number>()
  const owe = (address: string, change: number) => {
    const owed = (pending.get(address) ?? 0) + change
    if (owed === 0) pending.delete(address)
    else pending.set(address, owed)
  }
  const choose = (tried: ReadonlySet<string>) => {
    const candidates = callable(view.current().instances)
      .map((instance) => ({ address: dialAddress(instance), weight: weightOf(instance) }))
      .filter(({ address }) => !tried.has(address))
      .map((each) => ({ ...each, pending: pending.get(each.address) ?? 0 }))
    return balancer(candidates, tried.size > 0)?.address ?? null
  }
  const sendAndCount = async (address: string) => {
    owe(address, 1)
    try {
      return await send(address)
    } finally {
      owe(address, -1)
    }
  }
  return () => callOnce({ choose, send: sendAndCount })
}
