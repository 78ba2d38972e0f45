import { setTimeout as delay } from 'node:timers/promises'
import { toLabError } from '../../protocol/index.ts'
import type { BenchMember } from './lab-cluster.ts'

const pauseMs = 2
const limitMs = 20_000

export interface LeaderSampling {
  /** `performance.now()` when the first survivor named another leader. */
  readonly found: Promise<number>
  /** The widest distance between two answers of one survivor so far, milliseconds. */
  widestGapMs(): number
  stop(): Promise<void>
}

/**
 * Asks each survivor for its Status as often as it answers, from before the fault on, until one of
 * them names a leader other than `lostId`.
 */
export function sampleLeader(survivors: readonly BenchMember[], lostId: string): LeaderSampling {
  const found = Promise.withResolvers<number>()
  const start = performance.now()
  let looking = true
  let widest = 0
  const ask = async (member: BenchMember): Promise<void> => {
    let last = start
    while (looking) {
      const leaderId = await namedLeader(member)
      const now = performance.now()
      widest = Math.max(widest, now - last)
      last = now
      if (leaderId !== null && leaderId !== lostId) {
        found.resolve(now)
        looking = false
      }
      if (now - start > limitMs) {
        found.reject(new Error(`no new leader within ${limitMs} ms`))
        looking = false
      }
      await delay(pauseMs)
    }
  }
  const asking = Promise.all(survivors.map(ask))
  return {
    found: found.promise,
    widestGapMs: () => widest,
    async stop() {
      looking = false
      await asking
    },
  }
}

async function namedLeader(member: BenchMember): Promise<string | null> {
  try {
    return (await member.direct.status({ deadlineMs: 500 })).leaderId
  } catch (error) {
    const { code } = toLabError(error)
    if (code === 'TIMEOUT' || code === 'UNAVAILABLE') return null
    throw error
  }
}
