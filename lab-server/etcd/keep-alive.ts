import type { ILeaseKeepAliveResponse } from 'etcd3/lib/rpc.js'
import { toLabError } from '../../protocol/index.ts'
import type { CallOptions, KeepAliveRequest } from './etcd-calls.ts'
import type { CallPlan } from './failover-call.ts'
import { pause } from './pause.ts'

type Ask = (plan: CallPlan, options: CallOptions) => Promise<ILeaseKeepAliveResponse>

const shortestPauseMs = 200

/**
 * One renewal is one call like any other, with everything that gets a call past dead and frozen
 * members. A stream that stays open would have to be guarded against falling silent instead.
 */
export async function keepLeaseAlive(
  request: KeepAliveRequest,
  signal: AbortSignal,
  ask: Ask,
): Promise<'lost' | 'ended'> {
  const intervalMs = (request.ttlSeconds * 1000) / 3
  const plan: CallPlan = {
    service: 'Lease',
    method: 'leaseKeepAlive',
    request: { ID: request.id },
    needsLeader: true,
    streamed: true,
  }
  let refusals = 0
  let pauseMs = spread(intervalMs)
  while (await pause(pauseMs, signal)) {
    const start = performance.now()
    try {
      const answer = await ask(plan, { signal, deadlineMs: request.ttlSeconds * 1000 })
      const ttlSeconds = Number(answer.TTL)
      if (ttlSeconds === 0) return 'lost'
      refusals = 0
      request.onRenewed?.(ttlSeconds)
      pauseMs = spread(intervalMs) - (performance.now() - start)
    } catch (error) {
      if (signal.aborted) return 'ended'
      const trouble = toLabError(error)
      if (trouble.code === 'LEASE_LOST') return 'lost'
      request.onTrouble?.(trouble)
      refusals = trouble.code === 'ETCD_REFUSED' ? refusals + 1 : 0
      // An outage is asked about again at once; a refusal was an answer, and may stand for long.
      pauseMs = Math.min(shortestPauseMs * 2 ** Math.min(refusals, 16), intervalMs)
    }
  }
  return 'ended'
}

/** Up to a tenth earlier, so that many processes do not renew in step. */
function spread(ms: number): number {
  return ms * (0.9 + Math.random() / 10)
}
