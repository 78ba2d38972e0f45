import { writeGapBenchmark } from './write-gap.ts'

export const writeGapPause = writeGapBenchmark({
  name: 'write-gap-pause',
  summary: 'how long writes stall after SIGSTOP of the leader, beside the time without a leader',
  fault: 'pause',
  rounds: 30,
  roundsWithEtcd3: 5,
  bound: 1.6,
  boundOf90th: null,
})
