import * as z from 'zod/mini'
import { clusterSnapshot, faultAction } from './cluster.ts'
import { errorCodes } from './errors.ts'

/** Raised when an old page could no longer talk to a new server. */
export const protocolVersion = 1

export const locale = z.enum(['en', 'zh-CN'])
export type Locale = z.infer<typeof locale>

/** Limits both sides know. The server enforces them; the browser uses them to refuse early. */
export const limits = {
  /** Bytes of one frame from the browser. */
  frameBytes: 64 * 1024,
  /** Characters of one command line. */
  lineLength: 4096,
  /** Milliseconds until the first frame must be `hello`. */
  helloMs: 2000,
  /** Terminals of one lab. */
  terminals: 16,
  /** Provider processes of one lab at once. */
  providers: 10,
} as const

const id = z.number().check(z.int(), z.nonnegative())
const terminal = z.string().check(z.regex(/^[\w-]{1,64}$/))
const seq = z.number().check(z.int(), z.nonnegative())
/** A member's name, or a role that the server resolves at the moment it acts. */
const target = z.string().check(z.minLength(1), z.maxLength(64))

// Browser → server: strict objects, unknown fields are refused.

export const clientMessage = z.discriminatedUnion('type', [
  /** First frame, within `limits.helloMs`. Answer: `welcome`. */
  z.strictObject({
    type: z.literal('hello'),
    id,
    protocol: z.number(),
    /** From localStorage; null when this browser has no lab yet. */
    token: z.nullable(z.string().check(z.maxLength(256))),
    locale,
  }),
  /** Keeps a half-open connection from looking alive. Answer: `done`. */
  z.strictObject({ type: z.literal('ping'), id }),
  /** Answer: `created` at once; progress follows as `lab`. */
  z.strictObject({ type: z.literal('lab.create'), id }),
  /** Answer: `done` when processes and data are gone. */
  z.strictObject({ type: z.literal('lab.end'), id }),
  /** "Keep my lab": restarts the idle clock. Answer: `done`. */
  z.strictObject({ type: z.literal('lab.keep'), id }),
  /** Opens the terminal or finds it again; entries after `after` follow. Answer: `attached`. */
  z.strictObject({ type: z.literal('terminal.attach'), id, terminal, after: seq }),
  z.strictObject({ type: z.literal('terminal.detach'), id, terminal }),
  /** Answer: `done` when accepted; output follows as `entries`. */
  z.strictObject({
    type: z.literal('terminal.run'),
    id,
    terminal,
    line: z.string(),
    locale,
    /** Width of the terminal in cells, for tables. */
    columns: z.number().check(z.int(), z.gte(10), z.lte(1000)),
  }),
  /** Ctrl-C. Answer: `done`, also when nothing runs. */
  z.strictObject({ type: z.literal('terminal.interrupt'), id, terminal }),
  /** Tab. Answer: `completions`. */
  z.strictObject({
    type: z.literal('complete'),
    id,
    line: z.string().check(z.maxLength(limits.lineLength)),
    /** UTF-16 offset of the cursor in `line`. */
    cursor: z.number().check(z.int(), z.nonnegative()),
  }),
  /** Starts or ends this connection's `cluster` snapshots (and with them the probe). Answer: `done`. */
  z.strictObject({ type: z.literal('cluster.watch'), id, on: z.boolean() }),
  /** Answer: `done` when the process is gone, paused, or serves again; else `failed`. */
  z.strictObject({ type: z.literal('fault'), id, action: faultAction, target }),
])
export type ClientMessage = z.infer<typeof clientMessage>

// Server → browser: extra fields are tolerated, so that an old tab survives a deploy.

export const wireError = z.object({
  code: z.catch(z.enum(errorCodes), 'INTERNAL'),
  message: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
})
export type WireError = z.infer<typeof wireError>

/** Why a lab that the browser still has a token for is gone. */
export const goneReason = z.enum(['ended', 'idle', 'server-restarted', 'failed', 'unknown'])
export type GoneReason = z.infer<typeof goneReason>

export const labState = z.object({
  phase: z.enum(['starting', 'ready', 'ending', 'gone']),
  /** Set when `phase` is `gone`. */
  reason: z.nullable(goneReason),
  /** Set when `reason` is `failed`: what went wrong. */
  error: z.nullable(wireError),
  progress: z.object({
    membersUp: z.number(),
    membersTotal: z.number(),
    leader: z.nullable(z.string()),
    /** Since the button was pressed, milliseconds. */
    elapsedMs: z.number(),
  }),
  /** Milliseconds until the lab ends if the reader does nothing; null while not ready. */
  idleEndsInMs: z.nullable(z.number()),
})
export type LabState = z.infer<typeof labState>

/**
 * One step of a terminal. `seq` grows by one per entry and never repeats, so a page that was away
 * asks for what came after the last one it drew.
 */
export const terminalEntry = z.discriminatedUnion('kind', [
  z.object({ seq, kind: z.literal('input'), line: z.string() }),
  /** Text is already free of control sequences other than SGR colours, tab and newline. */
  z.object({
    seq,
    kind: z.literal('output'),
    stream: z.enum(['stdout', 'stderr']),
    text: z.string(),
  }),
  z.object({
    seq,
    kind: z.literal('exit'),
    code: z.number(),
    /** Duration of the command, milliseconds. */
    ms: z.number(),
    /** Set when the command failed with a known cause: the page shows the hint for it. */
    error: z.nullable(wireError),
  }),
  /** `clear`: everything before is gone. */
  z.object({ seq, kind: z.literal('clear') }),
])
export type TerminalEntry = z.infer<typeof terminalEntry>

/**
 * A cluster that all readers share. `compose`: a compose stack, faults are possible and hit all.
 * `endpoints`: somebody's cluster whose processes are out of reach.
 */
export const sharedKind = z.enum(['compose', 'endpoints'])
export type SharedKind = z.infer<typeof sharedKind>

export const completion = z.object({
  value: z.string(),
  /** Short, in the reader's language; may be empty. */
  description: z.string(),
})
export type Completion = z.infer<typeof completion>

export const serverMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    id,
    protocol: z.number(),
    server: z.object({
      version: z.string(),
      /** Changes with every start of the server. */
      boot: z.string(),
      etcdVersion: z.string(),
      /** True when `etcdVersion` is older than the security floor of its minor version. */
      etcdOutdated: z.boolean(),
      etcdFloor: z.string(),
      idleMinutes: z.number(),
      /** Whose the cluster is; absent = the reader's own. */
      cluster: z.optional(sharedKind),
    }),
    /** Null when the token is null or leads to no lab and nothing is known of it. */
    lab: z.nullable(labState),
  }),
  z.object({ type: z.literal('done'), id }),
  z.object({ type: z.literal('failed'), id: z.nullable(id), error: wireError }),
  z.object({ type: z.literal('created'), id, token: z.string(), lab: labState }),
  /** Whole state, sent to every connection of the lab whenever it changes. */
  z.object({ type: z.literal('lab'), lab: labState }),
  z.object({
    type: z.literal('attached'),
    id,
    terminal: z.string(),
    /** Oldest entry still kept; entries between `after` and this one are lost and the page says so. */
    firstSeq: seq,
    /** Newest entry. */
    lastSeq: seq,
    /** The command that runs now. */
    running: z.nullable(z.string()),
    /** Lines typed so far, oldest first, for the history keys. */
    history: z.array(z.string()),
  }),
  z.object({ type: z.literal('entries'), terminal: z.string(), entries: z.array(terminalEntry) }),
  z.object({
    type: z.literal('completions'),
    id,
    /** The candidates replace `line.slice(from, cursor)`. */
    from: z.number(),
    candidates: z.array(completion),
  }),
  z.object({ type: z.literal('cluster'), snapshot: clusterSnapshot }),
  /** The server closes on purpose. `shutdown`: labs are gone with it. */
  z.object({ type: z.literal('bye'), reason: z.enum(['shutdown', 'protocol', 'slow']) }),
])
export type ServerMessage = z.infer<typeof serverMessage>
