import { toLabError } from '../../protocol/index.ts'
import type { CallOptions, KeepAliveRequest } from './etcd-calls.ts'
import { pause } from './pause.ts'
import { afterFailure, afterSuccess, startRenewal } from './renewal.ts'

/** One renewal: the seconds the lease has now; rejects with `LEASE_LOST` when it is gone. */
type Renew = (options: CallOptions) => Promise<number>

/** Renews when it is time until the lease is gone, or the signal aborts. */
export async function keepLeaseAlive(
  request: KeepAliveRequest,
  signal: AbortSignal,
  renew: Renew,
): Promise<'lost' | 'ended'> {
  const deadlineMs = request.ttlSeconds * 1000
  let renewal = startRenewal(request.ttlSeconds, performance.now(), Math.random)
  while (await pause(renewal.nextAt - performance.now(), signal)) {
    const askedAt = performance.now()
    try {
      const ttlSeconds = await renew({ signal, deadlineMs })
      request.onRenewed?.(ttlSeconds)
      renewal = afterSuccess(renewal, askedAt, Math.random)
    } catch (error) {
      if (signal.aborted) return 'ended'
      const trouble = toLabError(error)
      if (trouble.code === 'LEASE_LOST') return 'lost'
      request.onTrouble?.(trouble)
      renewal = afterFailure(renewal, trouble, performance.now())
    }
  }
  return 'ended'
}
