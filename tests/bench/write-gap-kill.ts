import { writeGapBenchmark } from './write-gap.ts'

export const writeGapKill = writeGapBenchmark({
  name: 'write-gap-kill',
  summary: 'how long writes stall after SIGKILL of the leader, beside the time without a leader',
  fault: 'kill',
  rounds: 30,
  roundsWithEtcd3: 5,
  bound: 1.2,
  boundOf90th: 1.5,
})
