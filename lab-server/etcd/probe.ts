import type { IResponseHeader, IWatchResponse } from 'etcd3/lib/rpc.js'
import type { EtcdConnection, UnaryCall } from './connection.ts'

/** Nothing is ever written under it. */
const probedKey = Buffer.from('ming-lab/probe')

/**
 * Asks a member who it is, in which term, and at which revision: what it says of itself to anybody.
 * Status needs root's permissions once authentication is enabled (from 3.5.28 on, for some releases:
 * https://github.com/etcd-io/etcd/issues/21663), and every other question a token that may have
 * expired on just this member; the answer to a watch carries the header even where it refuses the
 * watch. So it is asked without a token, and the watch ends with the answer.
 *
 * With `requireLeader` a member that knows no leader refuses (`NO_LEADER`).
 */
export function probeMember(
  connection: EtcdConnection,
  options: { deadlineMs: number; requireLeader: boolean },
): UnaryCall<IResponseHeader> {
  const call = connection.once<IWatchResponse>(
    'Watch',
    'watch',
    { create_request: { key: probedKey } },
    options.deadlineMs,
    { requireLeader: options.requireLeader, anonymous: true },
  )
  return { answer: call.answer.then(({ header }) => header), cancel: () => call.cancel() }
}
