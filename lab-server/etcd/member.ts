import type { IMemberListResponse, IStatusResponse, ITxnRequest } from 'etcd3/lib/rpc.js'
import { EtcdConnection, type ConnectionOptions, type UnaryCall } from './connection.ts'
import type { EtcdMember, MemberAnswer } from './etcd-member.ts'
import { hexadecimalId } from './wire.ts'

/**
 * Connects to one member and to no other. `clientUrl` is `unix:///path`, `http://host:port` or
 * `https://host:port`. Nothing is sent before the first question; whoever connects closes.
 */
export function connectMember(
  clientUrl: string,
  options: Omit<ConnectionOptions, 'purpose'> = {},
): EtcdMember {
  const connection = new EtcdConnection(clientUrl, { ...options, purpose: 'member' })

  return {
    async status({ deadlineMs }) {
      const { answer, latencyMs } = await timed(
        connection.unary<IStatusResponse>('Maintenance', 'status', {}, deadlineMs),
      )
      return toMemberAnswer(answer, latencyMs)
    },
    async probeWrite({ deadlineMs }) {
      return (await timed(connection.unary('KV', 'txn', neverWrites, deadlineMs))).latencyMs
    },
    async memberNames({ deadlineMs }) {
      // Not linearizable: the member's own view, also when there is no leader.
      const { answer } = connection.unary<IMemberListResponse>(
        'Cluster',
        'memberList',
        { linearizable: false },
        deadlineMs,
      )
      const { members } = await answer
      return new Map(members.map((member) => [hexadecimalId(member.ID), member.name]))
    },
    close() {
      connection.close()
    },
  }
}

async function timed<T>(call: UnaryCall<T>): Promise<{ answer: T; latencyMs: number }> {
  const start = performance.now()
  const answer = await call.answer
  return { answer, latencyMs: performance.now() - start }
}

/**
 * The compare asks for a key that exists with version -1, which no key ever has. etcd still sends a
 * Txn that contains a Put through Raft.
 */
const neverWrites: ITxnRequest = {
  compare: [
    { key: Buffer.from('ming-lab/probe'), target: 'Version', result: 'Equal', version: '-1' },
  ],
  success: [
    { request_put: { key: Buffer.from('ming-lab/probe'), value: Buffer.from('never written') } },
  ],
  failure: [],
}

function toMemberAnswer(answer: IStatusResponse, latencyMs: number): MemberAnswer {
  return {
    memberId: hexadecimalId(answer.header.member_id),
    clusterId: hexadecimalId(answer.header.cluster_id),
    leaderId: answer.leader === '0' ? null : hexadecimalId(answer.leader),
    term: answer.raftTerm,
    revision: answer.header.revision,
    raftIndex: answer.raftIndex,
    dbSize: Number(answer.dbSize),
    version: answer.version,
    errors: answer.errors,
    latencyMs,
  }
}
