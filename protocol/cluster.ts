import * as z from 'zod/mini'

/** int64 values (revisions, lease ids, raft terms and indexes) travel as decimal strings. */
export const int64 = z.string().check(z.regex(/^-?\d{1,19}$/))

/**
 * State of a member's process, as the cluster driver sees it. `stopped`: ended on request
 * (SIGTERM). `killed`: ended by SIGKILL on request. `exited`: ended by itself.
 */
export const processState = z.enum(['starting', 'running', 'paused', 'stopped', 'killed', 'exited'])
export type ProcessState = z.infer<typeof processState>

/** What one member said of itself (etcd's `Maintenance.Status`), and when. */
export const memberStatus = z.object({
  /** Member id, hexadecimal, as `etcdctl member list` prints it. */
  id: z.string(),
  /** Name of the member that this one believes to be the leader; null when it knows none. */
  leader: z.nullable(z.string()),
  /** True when this member believes itself to be the leader. */
  isLeader: z.boolean(),
  term: int64,
  revision: int64,
  raftIndex: int64,
  /** Size of the database file, bytes. */
  dbSize: z.number(),
  version: z.string(),
  /** Alarms and errors as etcd words them. */
  errors: z.array(z.string()),
  /** Round trip of this Status call, milliseconds. */
  latencyMs: z.number(),
})
export type MemberStatus = z.infer<typeof memberStatus>

export const memberView = z.object({
  name: z.string(),
  process: processState,
  /** When `process` last changed, epoch milliseconds. */
  since: z.number(),
  /** The latest answer to Status; null while the member does not answer. */
  status: z.nullable(memberStatus),
  /** etcd's words where a member runs and refuses to tell its Status (authentication is on). */
  refusal: z.optional(z.string()),
})
export type MemberView = z.infer<typeof memberView>

export const faultAction = z.enum(['kill', 'stop', 'pause', 'resume', 'start'])
export type FaultAction = z.infer<typeof faultAction>

/**
 * One fault and what was measured after it. Durations are milliseconds from `at`, which is the
 * observed exit of the process (for `pause`: the SIGSTOP). Null = not (yet) observed.
 */
export const faultRecord = z.object({
  id: z.number(),
  action: faultAction,
  member: z.string(),
  /** True when the member led the cluster at that moment. */
  wasLeader: z.boolean(),
  /** Epoch milliseconds. */
  at: z.number(),
  /** Until the first surviving member whose Status named another leader. */
  leaderlessMs: z.nullable(z.number()),
  newLeader: z.nullable(z.string()),
  /** Until the first acknowledged probe write; null also when nobody was looking (see `probing`). */
  writeGapMs: z.nullable(z.number()),
  /** True while the burst of samples after this fault is still running. */
  measuring: z.boolean(),
  /** Samples of Status taken in the burst, and the widest distance between two, milliseconds. */
  samples: z.number(),
  widestSampleGapMs: z.number(),
})
export type FaultRecord = z.infer<typeof faultRecord>

/** A stretch of the strip, epoch milliseconds; `to` of the last one is the snapshot's `at`. */
export const leaderSpan = z.object({
  from: z.number(),
  to: z.number(),
  /** Null: no running member names a living leader. */
  leader: z.nullable(z.string()),
  term: int64,
})
export const writeSpan = z.object({
  from: z.number(),
  to: z.number(),
  /** `ok`: probes were acknowledged; `refused`: none was; `idle`: no probe ran (nobody looked). */
  state: z.enum(['ok', 'refused', 'idle']),
})
export const memberSpan = z.object({
  from: z.number(),
  to: z.number(),
  member: z.string(),
  process: processState,
})

/** The whole state of a cluster. Never a diff. Source: each member asked by itself. */
export const clusterSnapshot = z.object({
  /** Epoch milliseconds of the server's clock. */
  at: z.number(),
  members: z.array(memberView),
  /** The running member that names itself leader in the highest term; null when there is none. */
  leader: z.nullable(z.string()),
  term: int64,
  quorum: z.object({
    /** Members that can answer (process running). */
    running: z.number(),
    needed: z.number(),
    total: z.number(),
    /** running >= needed. */
    held: z.boolean(),
  }),
  /** True while probe writes run, that is while someone looks. */
  probing: z.boolean(),
  /** Faults of the last ten minutes, oldest first, at most 50. */
  faults: z.array(faultRecord),
  /** The last 60 seconds. */
  strip: z.object({
    from: z.number(),
    leaders: z.array(leaderSpan),
    writes: z.array(writeSpan),
    members: z.array(memberSpan),
  }),
})
export type ClusterSnapshot = z.infer<typeof clusterSnapshot>
