import type { ProcessState } from '../../protocol/index.ts'

/** What a driver can do here. What is false is absent from help, panel and completion. */
export interface ClusterCapabilities {
  readonly kill: boolean
  readonly stop: boolean
  readonly pause: boolean
  readonly logs: boolean
}

export interface MemberProcess {
  /** etcd's `--name`: etcd1, etcd2, etcd3. */
  readonly name: string
  /** Where clients reach it, as etcd writes URLs (`unix:///…`, `http://host:port`). */
  readonly clientUrl: string
  readonly state: ProcessState
  /** When `state` last changed, epoch milliseconds. */
  readonly since: number
  readonly pid: number | null
  /** How the last process ended; null while none has. */
  readonly exit: { readonly code: number | null; readonly signal: string | null } | null
}

/** A change of state that the driver itself observed. */
export interface MemberEvent {
  readonly member: string
  readonly state: ProcessState
  /** `performance.now()` at the observation: durations are differences of these. */
  readonly monotonic: number
  /** The same instant, epoch milliseconds. */
  readonly at: number
}

/**
 * Knows processes, never Raft: who leads, which term, which revision is ClusterMonitor's to say.
 *
 * Every method that names a member rejects with `LabError`: `NO_SUCH_MEMBER` for an unknown name,
 * `MEMBER_STATE` when the member's state does not allow it (starting what runs, resuming what is
 * not paused), `MEMBER_START_FAILED` with the last log lines, `CLOSED` after `close`.
 */
export interface ClusterDriver {
  readonly capabilities: ClusterCapabilities
  /** In the order of their names. Synchronous: it is what the driver has seen so far. */
  members(): readonly MemberProcess[]
  /** Resolves when the member serves (answers its health check), not when it was spawned. */
  start(name: string, options?: { signal?: AbortSignal }): Promise<void>
  /** SIGTERM; resolves when the process is gone. A paused member is resumed first. */
  stop(name: string): Promise<void>
  /** SIGKILL; resolves when the process is gone. Works on a paused member too. */
  kill(name: string): Promise<void>
  /** SIGSTOP; resolves when the process is observed stopped. */
  pause(name: string): Promise<void>
  /** SIGCONT. */
  resume(name: string): Promise<void>
  /** The newest lines of the member's log, oldest first, across restarts. */
  logs(name: string, options: { lines: number }): Promise<string[]>
  /** Called for every change, also for an unexpected exit. Returns the way to stop listening. */
  onChange(listener: (event: MemberEvent) => void): () => void
  /**
   * A driver that started its members ends them and removes every file. One that was attached to
   * somebody else's leaves them as they are, only what it paused it resumes. Idempotent; never
   * rejects for a member already gone.
   */
  close(): Promise<void>
}
