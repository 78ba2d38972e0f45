import { LabError, toLabError } from '../../protocol/index.ts'
import type { CallOptions, LeaseTime } from './etcd-calls.ts'
import type { EtcdClient } from './etcd-client.ts'
import { refusesToken } from './etcd-errors.ts'
import type { EndpointFacts, EtcdInspector, LeaseFacts } from './etcd-inspector.ts'

/** Questions under way at once, so that a look at thousands of leases is no burden. */
const mostAtOnce = 16
const endpointDeadlineMs = 2000

interface Limit {
  readonly deadlineMs: number
}

/** Looks at etcd through a client that the caller has made and closes. */
export function createEtcdInspector(client: EtcdClient): EtcdInspector {
  async function findLease(id: string, options: CallOptions = {}): Promise<LeaseFacts | null> {
    const found = await client.leaseTimeToLive(id, { ...options, keys: true })
    return found.remaining === -1 ? null : toFacts(found)
  }

  async function findLeases(
    ids: readonly string[],
    options: CallOptions = {},
  ): Promise<readonly LeaseFacts[]> {
    const found = await mapFew(ids, (id) => findLease(id, options))
    // A lease may end between the two questions.
    return found.filter((lease) => lease !== null)
  }

  return {
    async keys(prefix, options = {}) {
      const { signal, ...wanted } = options
      const answer = await client.range({ prefix, ...wanted }, signal ? { signal } : {})
      return { keys: answer.kvs, count: answer.count, revision: answer.header.revision }
    },
    async key(key) {
      const answer = await client.range({ key })
      return { found: answer.kvs[0] ?? null, revision: answer.header.revision }
    },
    async leases() {
      return findLeases((await client.leases()).ids)
    },
    async lease(id) {
      if (!/^-?\d{1,19}$/.test(id)) {
        throw new LabError('USAGE', `a lease id is a decimal number, not ${JSON.stringify(id)}`)
      }
      const found = await findLease(id)
      if (found === null) throw new LabError('LEASE_LOST', `etcd knows no lease ${id}`)
      return found
    },
    async leaseIds(options) {
      return (await client.leases(options)).ids
    },
    findLeases,
    alarms: (options) => client.alarms(options),
    endpoints: () => Promise.all(client.endpoints.map((each) => askEndpoint(each, client))),
  }
}

async function askEndpoint(endpoint: string, client: EtcdClient): Promise<EndpointFacts> {
  const member = client.connectMember(endpoint)
  const end = performance.now() + endpointDeadlineMs
  const ask = <T>(attempted: string, question: (limit: Limit) => Promise<T>) =>
    askAsUser(client, attempted, () => question(limitUntil(end)), end)
  try {
    const [answer, names] = await Promise.all([
      ask('status', (limit) => member.status(limit)),
      // Without a name an answer is an answer all the same.
      ask('memberList', (limit) => member.memberNames(limit)).catch(() => null),
    ])
    return { endpoint, name: names?.get(answer.memberId) ?? null, answer, error: null }
  } catch (error) {
    return { endpoint, name: null, answer: null, error: toLabError(error) }
  } finally {
    member.close()
  }
}

/**
 * Without a quorum nobody gets a token, but members that ask for none are still told apart: so the
 * token comes second.
 */
async function askAsUser<T>(
  client: EtcdClient,
  attempted: string,
  question: () => Promise<T>,
  end: number,
): Promise<T> {
  try {
    return await question()
  } catch (error) {
    if (!(error instanceof LabError) || !refusesToken(error)) throw error
    return await client.asUser(attempted, question, limitUntil(end))
  }
}

function limitUntil(end: number): Limit {
  return { deadlineMs: Math.max(1, end - performance.now()) }
}

/** Answers in the order of the questions. After one that fails no other is asked. */
async function mapFew<T, U>(items: readonly T[], ask: (item: T) => Promise<U>): Promise<U[]> {
  const answers: U[] = []
  const waiting = [...items.entries()]
  const takeTurns = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next
      answers[index] = await ask(item)
    }
  }
  const giveUp = (error: unknown) => {
    waiting.length = 0
    throw error
  }
  await Promise.all(Array.from({ length: mostAtOnce }, () => takeTurns().catch(giveUp)))
  return answers
}

function toFacts(time: LeaseTime): LeaseFacts {
  return {
    id: time.id,
    grantedTtl: time.grantedTtl,
    remaining: time.remaining,
    keys: time.keys.map((key) => Buffer.from(key).toString()),
  }
}
