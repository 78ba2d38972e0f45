import { countQuorum } from '../cluster/quorum.ts'
import type { ShellTools } from './command.ts'
import type { Messages } from './messages/en.ts'

/** How long a command may say nothing before a reader is told why, milliseconds. */
const silenceMs = 2000

type Words = (m: Messages) => string

/** Waits for a command; a reader is told, once, when it still runs because etcd cannot answer. */
export async function noticeLostQuorum<T>(
  running: Promise<T>,
  tools: ShellTools,
  tell: (words: Words) => void,
): Promise<T> {
  let over = false
  const look = async () => {
    const words = await whyItWaits(tools)
    if (words !== null && !over) tell(words)
  }
  // `look` never rejects.
  const timer = setTimeout(() => void look(), silenceMs)
  try {
    return await running
  } finally {
    over = true
    clearTimeout(timer)
  }
}

/** A lab's driver knows which members run; any other etcd has to be asked, member by member. */
async function whyItWaits({ driver, inspector }: ShellTools): Promise<Words | null> {
  if (driver !== null) {
    const quorum = countQuorum(driver.members().map(({ state }) => state))
    return quorum.held ? null : (m) => m.shell.waitsForQuorum(m.cluster.quorumLost(quorum))
  }
  const answers = (await inspector?.endpoints()) ?? []
  const told = answers.flatMap(({ answer }) => answer ?? [])
  if (told.some(({ leaderId }) => leaderId !== null)) return null
  const refuses = answers.some(({ error }) => error?.code === 'ETCD_REFUSED')
  if (told.length === 0) return refuses ? null : (m) => m.program.waitsForAnswer
  return (m) => m.shell.waitsForQuorum(m.program.nobodyLeads)
}
