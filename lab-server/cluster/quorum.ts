import type { ClusterSnapshot, ProcessState } from '../../protocol/index.ts'

/** Counts who can vote: members whose process runs, against the majority of all. */
export function countQuorum(processes: readonly ProcessState[]): ClusterSnapshot['quorum'] {
  const total = processes.length
  const running = processes.filter((state) => state === 'running').length
  const needed = Math.floor(total / 2) + 1
  return { running, needed, total, held: total > 0 && running >= needed }
}
