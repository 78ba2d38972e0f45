import { describeRefusal } from '../../registry/instance-problem.ts'
import type { NaiveFault } from '../../registry/naive/naive-fault.ts'

/** What a command says about itself. */
export interface CommandText {
  /** One line, no full stop. */
  readonly summary: string
  /** Paragraphs of its help page. */
  readonly about: readonly string[]
  /** What stands in their place where no lab is around the command. */
  readonly aboutInProgram?: readonly string[]
  /** By name, as the command declares them. */
  readonly positionals: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  /** One for each example of the command, in the same order. */
  readonly examples: readonly string[]
}

/** What is wrong, and what one sees of it; no full stop. */
interface FaultText {
  readonly title: string
  readonly symptom: string
}

interface At {
  readonly symbol: string
  readonly column: number
}

const plural = (count: number, one: string, many = `${one}s`) =>
  `${String(count)} ${count === 1 ? one : many}`

/** Every word of the shell that is ours. etcd's own text is never here: it is shown as it came. */
export const en = {
  /** Between the items of a list in a sentence. */
  listSeparator: ', ',
  line: {
    tooLong: (p: { length: number; limit: number }) =>
      `This line has ${String(p.length)} characters; the limit is ${String(p.limit)}.`,
    syntax: (p: At) =>
      `"${p.symbol}" at column ${String(p.column)}: there is no shell behind this terminal, so pipes, redirections, variables, substitutions and command lists do not exist. One line is one command. If you mean the character itself, put it in single quotes.`,
    expansion: (p: At) =>
      `"${p.symbol}" at column ${String(p.column)}: there is no shell behind this terminal, so nothing is expanded inside double quotes. If you mean the characters themselves, use single quotes.`,
    assignment: (p: At) =>
      `"${p.symbol}" at column ${String(p.column)}: there is no shell behind this terminal and no environment to set. Leave it out: etcdctl here always speaks API 3 to your own cluster.`,
    unterminated: (p: At) => `The quote ${p.symbol} at column ${String(p.column)} is not closed.`,
    backslash: (p: At) =>
      `The backslash at column ${String(p.column)} ends the line: there is nothing left to escape.`,
    invisible: (p: At) =>
      `Column ${String(p.column)} holds ${p.symbol}, a character that cannot be seen. Type it out or paste again as plain text.`,
    fullWidth: (p: At & { expected: string }) =>
      `"${p.symbol}" at column ${String(p.column)} is full-width; "${p.expected}" is expected here. If you mean the character itself, put it in quotes.`,
    wideSpace: (p: At) =>
      `Column ${String(p.column)} holds a blank that is not an ordinary space. Type a space instead, or put it in quotes.`,
  },
  arguments: {
    unknownOption: (p: { option: string; command: string; nearest: string | null }) =>
      `${p.command} has no option ${p.option}.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    missingValue: (p: { option: string; value: string }) =>
      `${p.option} needs a value: ${p.value}.`,
    noValue: (p: { option: string; value: string }) =>
      `${p.option} takes no value, and got "${p.value}".`,
    repeated: (p: { option: string }) => `${p.option} is given twice.`,
    notInteger: (p: { option: string; value: string; min: number; max: number }) =>
      `${p.option} is "${p.value}", expected a whole number from ${String(p.min)} to ${String(p.max)}.`,
    notChoice: (p: { option: string; value: string; choices: string }) =>
      `${p.option} is "${p.value}", expected one of: ${p.choices}.`,
    missing: (p: { positional: string; text: string }) => `${p.positional} is missing: ${p.text}.`,
    tooMany: (p: { value: string }) => `"${p.value}" is one argument too many.`,
    versionTwice:
      'The version is given twice: write it after the colon or with --version, not both.',
    usage: (p: { line: string }) => `Usage: ${p.line}`,
    example: (p: { line: string }) => `Example: ${p.line}`,
    more: (p: { line: string }) => `More: ${p.line}`,
  },
  help: {
    title: 'Commands',
    more: 'help <command> shows its options and examples. Tab completes, Ctrl-C ends what runs.',
    options: 'Options',
    positionals: 'Arguments',
    examples: 'Examples',
    aliases: (p: { names: string }) => `Also: ${p.names}`,
    defaultValue: (p: { value: string }) => ` (default: ${p.value})`,
  },
  /** A cluster that is not the reader's alone. */
  shared: {
    compose: (p: { namespace: string }) =>
      `This cluster is a compose stack, shared by everybody on this lab server: a fault, and whatever etcdctl does, hits all of them. Your registry has keys of its own: they all begin with ${p.namespace}, which only etcdctl shows.`,
    endpoints:
      "This cluster is somebody else's, and the lab is only attached to it: kill, stop, start, pause, resume and logs are absent, because its processes are out of reach. Its registry, and whatever etcdctl does, is everybody's; a member that does not answer is shown as exited.",
  },
  shell: {
    unknownCommand: (p: { command: string; nearest: string | null }) =>
      `There is no command "${p.command}".${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`} help lists all commands; this terminal reaches your cluster and no system shell.`,
    noQuorum:
      'The cluster has no quorum, so this could not be answered. cluster shows who is missing, start (or resume) brings them back.',
    waitsForQuorum: (why: string) =>
      `${why} etcd answers when there is a quorum again; still waiting. Ctrl-C gives up.`,
    timeLimit: (p: { command: string; seconds: number }) =>
      `${p.command} was ended: it ran longer than ${String(p.seconds)} s.`,
    interrupted: 'Interrupted.',
    authOn:
      'Authentication is on, and the registry and the panel of this lab have no user, so etcd answers only who names one. Turn it off: etcdctl --user <name>:<password> auth disable. Without the password, end this lab and start another.',
    noSpace:
      'The database has reached its quota and etcd takes no more writes. Make room: etcdctl del --prefix <key>, etcdctl compaction <revision>, etcdctl defrag, then etcdctl alarm disarm',
  },
  /** Sentences for errors of the layers below; English readers see the error's own message. */
  errors: {
    INTERNAL:
      'Something went wrong in the lab itself. The details are in the log of the lab server.',
  } as Readonly<Record<string, string>>,
  /** A service, an address or an instance that the registry refuses. */
  refusal: describeRefusal,
  errorWithOriginal: (sentence: string, original: string) => `${sentence} ${original}`,
  cluster: {
    member: 'MEMBER',
    process: 'PROCESS',
    role: 'ROLE',
    term: 'TERM',
    revision: 'REVISION',
    dbSize: 'DB SIZE',
    version: 'VERSION',
    leader: 'leader',
    follower: 'follower',
    silent: 'no answer',
    refuses: 'refuses',
    knowsNone: 'knows no leader',
    believes: (p: { leader: string }) => `follows ${p.leader}`,
    states: {
      starting: 'starting',
      running: 'running',
      paused: 'paused',
      stopped: 'stopped',
      killed: 'killed',
      exited: 'exited',
    },
    quorumHeld: (p: { running: number; total: number; needed: number }) =>
      `Quorum held: ${String(p.running)} of ${String(p.total)} members run, ${String(p.needed)} needed.`,
    quorumLost: (p: { running: number; total: number; needed: number }) =>
      `Quorum lost: ${String(p.running)} of ${String(p.total)} members run, ${String(p.needed)} needed.`,
    quorumMeaning:
      'Without a quorum etcd refuses writes and linearizable reads; serializable reads (etcdctl get --consistency=s) still answer, from what a member last knew.',
    nobodyRuns: 'No member runs, so nothing can answer.',
    bringBack: (p: { commands: string }) => `Bring it back: ${p.commands}`,
    noLeader: 'No member leads at the moment.',
    untold: (p: { member: string; reason: string }) =>
      `Who leads cannot be seen: ${p.member} refuses to tell its status (${p.reason}).`,
    errorsOf: (p: { member: string; errors: string }) => `${p.member} says: ${p.errors}`,
  },
  fault: {
    killed: (p: { member: string }) => `${p.member} was killed (SIGKILL); its process is gone.`,
    stopped: (p: { member: string }) => `${p.member} was stopped (SIGTERM); its process is gone.`,
    paused: (p: { member: string }) =>
      `${p.member} is paused (SIGSTOP): the process exists and answers nobody.`,
    resumed: (p: { member: string }) => `${p.member} runs again (SIGCONT).`,
    started: (p: { member: string; took: string }) => `${p.member} serves again after ${p.took}.`,
    wasLeader: (p: { member: string; term: string }) =>
      `${p.member} was the leader (term ${p.term}).`,
    measuring: 'Measuring the failover (Ctrl-C stops waiting, not the cluster) …',
    newLeader: (p: { member: string; term: string | null }) =>
      `New leader: ${p.member}${p.term === null ? '' : ` (term ${p.term})`}.`,
    leaderless: (p: { time: string; samples: number; widest: string }) =>
      `Without a leader: ${p.time} (${plural(p.samples, 'sample')}, at most ${p.widest} apart).`,
    writeGap: (p: { time: string }) =>
      `Without writes: ${p.time} until the first acknowledged one.`,
    notSeen: 'No new leader was seen within the measurement.',
    noWrite: 'No write was acknowledged within the measurement.',
    leaderStays: (p: { member: string }) => `${p.member} leads.`,
    nextAfterLoss: (p: { start: string }) =>
      `Next: services (what was registered still is), cluster, then ${p.start}`,
    nextAfterReturn: 'Next: cluster',
    nobodyToStart: 'Every member has been started already.',
    nobodyToResume: 'No member is paused.',
    noSuchMember: (p: { member: string; members: string; nearest: string | null }) =>
      `There is no member ${p.member}; there are ${p.members}.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    noFollower: 'No follower runs.',
    wrongState: (p: { member: string; action: string; state: string }) =>
      `Cannot ${p.action} ${p.member}: it is ${p.state}.`,
  },
  register: {
    done: (p: { node: string; ttl: number; lease: string }) =>
      `Registered ${p.node}: lease ${p.lease}, TTL ${String(p.ttl)} s, kept alive by the lab.`,
    overtook: (p: { node: string; lease: string; remaining: number }) =>
      `${p.node} was registered already, on lease ${p.lease} (${String(p.remaining)} s left). If another provider keeps that lease alive, the address has just been taken from it: two providers on one address are a mistake.`,
    granted: (p: { asked: number; granted: number }) =>
      `etcd granted ${String(p.granted)} s instead of ${String(p.asked)} s: a TTL must outlast an election.`,
    next: (p: { service: string; node: string; prefix: string }) =>
      `Next: ${p.prefix}discover ${p.service}, ${p.prefix}watch ${p.service} in a second terminal, or ${p.prefix}deregister ${p.node}`,
  },
  deregister: {
    own: (p: { node: string }) =>
      `Deregistered ${p.node}: its key is deleted and the lab no longer renews it.`,
    foreign: (p: { node: string }) =>
      `Deregistered ${p.node}: its key is deleted. This lab had not registered it: whoever did may put it back.`,
  },
  discover: {
    address: 'ADDRESS',
    group: 'GROUP',
    revision: 'REVISION',
    lease: 'LEASE',
    noLease: 'none: never expires',
    found: (p: { service: string; count: number; revision: string }) =>
      `${p.service}: ${plural(p.count, 'instance')} at revision ${p.revision}.`,
    none: (p: { service: string; revision: string }) =>
      `${p.service} has no instance at revision ${p.revision}.`,
    hint: (p: { service: string; prefix: string }) =>
      `Register one: ${p.prefix}register ${p.service} 127.0.0.1:8080`,
    undecodable: (p: { key: string; reason: string }) => `Skipped ${p.key}: ${p.reason}`,
  },
  naive: {
    registered: (p: { node: string; ttl: number; lease: string }) =>
      `The naive registry registered ${p.node}: lease ${p.lease}, TTL ${String(p.ttl)} s. Every 10 s it takes a new lease and puts the key again.`,
    next: (p: { service: string; node: string }) =>
      `Next: discover ${p.service} --naive, lease, or deregister ${p.node} --naive`,
    deregistered: (p: { node: string }) =>
      `The naive registry sent a delete for ${p.node} and did not wait for the answer. Its leases stay until they expire.`,
    answered: {
      etcd: 'Answered by the naive registry, which asked etcd and will not ask again.',
      cache: 'Answered by the naive registry from its cache; it did not ask etcd.',
    },
    limits: {
      calls: (p: { max: number }) =>
        `${String(p.max)} calls of the naive registry still wait for the one member that it asks, etcd1: it never gives one up, not even with Ctrl-C. The lab starts no more of them. Bring etcd1 back (start etcd1, or resume etcd1) and they end by themselves; without --naive everything works meanwhile.`,
      beats: (p: { max: number }) =>
        `${String(p.max)} heartbeats of the naive registry have not ended; the lab leaves out those that follow. Bring etcd1 back (start etcd1, or resume etcd1) and they end by themselves.`,
      watches: (p: { max: number }) =>
        `The naive registry never ends a watch, and the lab keeps at most ${String(p.max)} of them: there is no room for those that this answer would start. Leave out --naive, or end the lab and start a new one.`,
    },
    fault: (p: { title: string; symptom: string }) => `${p.title}: ${p.symptom}.`,
    more: 'register, deregister and discover take --naive. The page “What the original gets wrong” runs some of these beside the real registry.',
    /** Page and command say the same of a fault; tests/docs/original-faults.test.ts compares them. */
    faults: {
      'clears-wrong-key': {
        title: 'A delete clears the cache under the wrong key',
        symptom: 'a dead provider is returned for ever',
      },
      'watches-known-keys-only': {
        title: 'Only keys that existed at discovery are watched',
        symptom: 'a second provider is never seen',
      },
      'caches-empty-list': {
        title: 'An empty list is cached, with no watch behind it',
        symptom: 'a consumer that starts before its provider stays blind until it is restarted',
      },
      'ignores-puts': {
        title: 'PUT events are ignored',
        symptom: 'updates and returns are invisible',
      },
      'watch-without-revision': {
        title: 'The watch after the list names no revision',
        symptom: 'events between the two are lost',
      },
      'watch-dies-silently': {
        title: 'The watch has no error path; compaction ends it',
        symptom: 'a dead watch, and nobody is told',
      },
      'watches-pile-up': {
        title: 'The set of watched keys never shrinks',
        symptom: 'watches leak while providers come and go',
      },
      'heartbeat-rewrites': {
        title: 'The heartbeat grants a new lease and PUTs every 10 s',
        symptom:
          '11 leases for 3 keys; the revision climbs while nothing happens, and every watcher wakes',
      },
      'never-revokes': {
        title: 'The lease is not revoked and the delete not awaited',
        symptom: 'leases linger; a deregistration that failed looks like any other',
      },
      'skips-expired-key': {
        title: 'The heartbeat skips a key that has expired',
        symptom: 'after an outage longer than the TTL the provider never returns',
      },
      'trusts-read-back': {
        title: 'The heartbeat believes the value it reads back from etcd',
        symptom:
          'an edited port makes a phantom key; what was overwritten without a lease never expires',
      },
      'one-throw-stops-all': {
        title: 'An exception leaves the loop over the keys',
        symptom: 'one bad key ends the renewal of the healthy ones',
      },
      'heartbeat-races-deregister': {
        title: 'The heartbeat races the deregistration',
        symptom: 'a zombie registration',
      },
      'no-deadline': {
        title: 'No call has a deadline',
        symptom: 'etcd is paused, and discovery hangs for more than 25 s',
      },
      'no-single-flight': {
        title: 'Callers do not share a request',
        symptom: '50 callers, 18 Range calls',
      },
      'undecodable-throws': {
        title: 'One value that cannot be decoded throws',
        symptom: 'the whole service disappears',
      },
      'one-endpoint': {
        title: 'One endpoint, no credentials, no TLS',
        symptom: 'one member down is an outage; auth enable breaks every client',
      },
      'global-scheduler': {
        title: 'One scheduler for the whole process',
        symptom: 'a second registry in the process fails; slow ticks overlap, 8 deep',
      },
      'aligned-ticks': {
        title: 'Heartbeats are aligned to the wall clock',
        symptom: 'all providers ask etcd at :00, :10, :20',
      },
      'no-validation': {
        title: 'Nothing checks for “/”, “:” or IPv6',
        symptom: 'S:1.0/::1:9000 can be read in two ways',
      },
    } satisfies Record<NaiveFault, FaultText>,
  },
  services: {
    service: 'SERVICE',
    instances: 'INSTANCES',
    total: (p: { count: number; revision: string }) =>
      `${plural(p.count, 'service')} at revision ${p.revision}.`,
    none: (p: { revision: string; prefix: string }) =>
      `No service is registered at revision ${p.revision}. Register one: ${p.prefix}register UserService 127.0.0.1:8080`,
  },
  snapshot: {
    problem: 'NOT READABLE BECAUSE',
    total: (p: { count: number; revision: string }) =>
      `${plural(p.count, 'key')} at revision ${p.revision}.`,
    cut: (p: { shown: number }) =>
      `Only the first ${p.shown} are shown. For one service: discover.`,
    notYet: (p: { revision: string }) =>
      `etcd has not come to revision ${p.revision} yet. The present one is in the last line of snapshot.`,
    noRevision: (p: { text: string }) =>
      `--rev wants a revision, a whole number from 1 on, not “${p.text}”. The present one is in the last line of snapshot.`,
  },
  watch: {
    from: (p: { service: string; count: number; revision: string }) =>
      `${p.service}: ${plural(p.count, 'instance')} at revision ${p.revision}. Watching from there; Ctrl-C ends.`,
    added: 'added',
    updated: 'updated',
    removed: 'removed',
    undecodable: 'undecodable',
    relisted: (p: { revision: string; because: 'compacted' | 'history-changed' }) =>
      p.because === 'compacted'
        ? `compaction overtook the watch; listed again at revision ${p.revision}`
        : `etcd's history is not the one that was watched (restored from a copy?); listed again at revision ${p.revision}`,
    revision: (p: { revision: string }) => `rev ${p.revision}`,
    group: (p: { group: string }) => `group ${p.group}`,
    draining: 'draining',
    ended: 'The watch has ended.',
  },
  provider: {
    name: 'PROVIDER',
    state: 'STATE',
    weight: 'WEIGHT',
    states: {
      starting: 'starting',
      running: 'running',
      paused: 'paused',
      draining: 'draining',
      ended: 'ended',
    },
    actionsTitle: 'Actions',
    actions: {
      start: 'starts processes that register themselves and answer calls',
      list: 'those that run',
      kill: 'SIGKILL: the process is gone, its key stays until its lease runs out',
      pause: 'SIGSTOP: the process stays, answers nobody and renews nothing',
      resume: 'SIGCONT: it goes on, and registers itself again if its lease has run out',
      drain: 'it marks itself as draining, finishes what it has, deregisters and ends',
    },
    allOf: 'all of them',
    noSuchAction: (p: { value: string; choices: readonly string[]; nearest: string | null }) =>
      `provider cannot "${p.value}", expected one of: ${p.choices.join(', ')}.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    noService: 'Which service? For example: provider start UserService',
    noTarget: (p: { action: string }) =>
      `Which provider? A name such as p1, an address, a service, or all: provider ${p.action} p1`,
    onlyForStart: (p: { option: string }) => `${p.option} belongs to provider start.`,
    limit: (p: { max: number; running: number; wanted: number }) =>
      `A lab has at most ${plural(p.max, 'provider')} at once; now there are ${String(p.running)}, so ${String(p.wanted)} more do not fit. Make room: provider list, then provider drain <provider|service|all>`,
    none: 'No provider runs. Start one: provider start UserService',
    noSuchProvider: (p: { provider: string; providers: string; nearest: string | null }) =>
      `There is no provider ${p.provider}. Running: ${p.providers}.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    nobody: {
      kill: 'No provider is left to kill.',
      pause: 'No provider runs that could be paused.',
      resume: 'No provider is paused.',
      drain: 'No provider runs that could be drained; a paused one has to be resumed first.',
    },
    started: (p: {
      provider: string
      service: string
      address: string
      ttl: number
      weight: number
    }) =>
      `${p.provider} answers at ${p.address} and has registered itself as ${p.service}, TTL ${String(p.ttl)} s, weight ${String(p.weight)}.`,
    next: (p: { service: string }) =>
      `Next: call ${p.service}, discover ${p.service}, provider list`,
    killed: (p: { provider: string; ttl: number }) =>
      `${p.provider} was killed (SIGKILL). Nobody renews its lease any more: its key stays for some ${String(p.ttl)} s at most.`,
    paused: (p: { provider: string; ttl: number }) =>
      `${p.provider} is paused (SIGSTOP): it accepts connections and answers none. Its key stays for some ${String(p.ttl)} s at most.`,
    resumed: (p: { provider: string }) =>
      `${p.provider} runs again (SIGCONT). If its lease has run out, it registers itself anew.`,
    drained: (p: { provider: string; took: string }) =>
      `${p.provider} was drained in ${p.took}: marked as draining, its calls finished, deregistered, ended.`,
    drainedWithoutWord: (p: { provider: string; ttl: number }) =>
      `${p.provider} has ended, but etcd did not confirm that it is deregistered: its key stays for some ${String(p.ttl)} s at most.`,
    afterwards: {
      kill: 'Next: call the service while the key is still there, and watch the key go.',
      pause: 'Next: call the service; then provider resume all',
      resume: 'Next: provider list, then call the service.',
      drain: 'Next: provider list',
    },
  },
  call: {
    line: (p: { number: number; words: string }) => `#${String(p.number)} ${p.words}`,
    answered: (p: { provider: string; address: string; time: string; count: number }) =>
      `${p.provider} ${p.address} answered in ${p.time} (call ${String(p.count)} for it).`,
    stranger: (p: { address: string }) =>
      `${p.address} was not started by this lab: nothing was sent to it.`,
    gone: (p: { provider: string; address: string }) =>
      `${p.provider} ${p.address} is dead, only its key is still there: nothing was sent.`,
    refused: (p: { provider: string; address: string }) =>
      `${p.provider} ${p.address} refused the connection: the call was not carried out.`,
    late: (p: { provider: string; address: string; time: string }) =>
      `${p.provider} ${p.address} gave no answer within ${p.time}: the call may have been carried out.`,
    broken: (p: { provider: string; address: string; time: string }) =>
      `${p.provider} ${p.address} broke off after ${p.time}: the call may have been carried out.`,
    retried: (p: { words: string; retry: string }) => `${p.words} Retried: ${p.retry}`,
    notRetried: (p: { words: string }) => `${p.words} There is no other instance to retry on.`,
    nobody: (p: { service: string }) => `${p.service} has no instance that takes calls.`,
    share: (p: { provider: string; count: number }) => `${p.provider} ${String(p.count)}`,
    summary: (p: {
      calls: number
      answered: number
      failed: number
      retried: number
      by: string
    }) =>
      `${plural(p.calls, 'call')}: ${String(p.answered)} answered, ${String(p.failed)} failed, ${String(p.retried)} retried.${p.by === '' ? '' : ` Answered by: ${p.by}.`}`,
    uncertain:
      'No answer does not mean that nothing was done. These calls only count, so they are repeated all the same; in your own service repeat only what may happen twice (idempotent calls).',
    startOne: (p: { service: string }) =>
      `Start a provider that answers: provider start ${p.service}`,
  },
  lease: {
    id: 'LEASE',
    remaining: 'REMAINING',
    granted: 'GRANTED',
    keys: 'KEYS',
    seconds: (p: { seconds: number }) => `${String(p.seconds)} s`,
    expired: 'expired',
    none: (p: { prefix: string }) =>
      `There is no lease. A registration brings one: ${p.prefix}register UserService 127.0.0.1:8080`,
    total: (p: { count: number }) =>
      `${plural(p.count, 'lease')}. Ids are hexadecimal, as etcdctl prints them.`,
    decimal: (p: { hex: string; decimal: string }) => `Lease ${p.hex} (decimal ${p.decimal})`,
    remainingOf: (p: { remaining: number; granted: number }) =>
      `Remaining ${String(p.remaining)} s of ${String(p.granted)} s.`,
    keysOf: (p: { count: number }) => `Keys on it: ${String(p.count)}`,
    unknown: (p: { id: string }) => `There is no lease ${p.id}; it may have expired.`,
    malformed: (p: { id: string }) =>
      `"${p.id}" is no lease id: expected hexadecimal digits, as lease and etcdctl print them.`,
  },
  endpoints: {
    member: 'MEMBER',
    endpoint: 'ENDPOINT',
    state: 'PROCESS',
    silent: (p: { endpoint: string; reason: string }) =>
      `${p.endpoint} does not answer: ${p.reason}`,
    refuses: (p: { endpoint: string; reason: string }) =>
      `${p.endpoint} answers, but refuses Status to this user (${p.reason}). Where authentication is enabled, name a user with the role root: --user <name>`,
    note: 'Each member listens on a socket of its own, in a directory only the lab can open. etcdctl asks all of them; --endpoints=etcd1 asks one.',
  },
  explain: {
    key: 'Key',
    value: 'Value',
    created: 'Created',
    modified: 'Modified',
    leaseTitle: 'Lease',
    atRevision: (p: { revision: string }) => `at revision ${p.revision}`,
    modifiedAt: (p: { revision: string; version: string }) =>
      `at revision ${p.revision}, version ${p.version} (writes since it was created)`,
    lease: (p: { id: string; remaining: number; granted: number; keys: number }) =>
      `${p.id}, ${String(p.remaining)} s of ${String(p.granted)} s left, ${p.keys === 1 ? 'this key alone is on it' : `${String(p.keys)} keys share it`}`,
    noLease: 'none',
    leaseOverdue: (p: { id: string }) => `${p.id}, expired; etcd is about to delete the key`,
    leaseGone: (p: { id: string }) => `${p.id}, which etcd does not know any more`,
    neverExpires:
      'No lease: will never expire. When the provider dies, consumers go on calling it until somebody deletes the key.',
    undecodable: (p: { reason: string }) => `Consumers skip it: ${p.reason}.`,
    seenAt: (p: { revision: string }) => `Seen at revision ${p.revision}.`,
    absent: (p: { key: string }) => `${p.key} is not in etcd.`,
  },
  doctor: {
    ghost: (p: { key: string }) => `Ghost: ${p.key} has no lease and will never expire.`,
    ghostAdvice:
      'If its provider is gone, remove it; if it runs, have it register with a lease instead.',
    undecodable: (p: { key: string; reason: string }) =>
      `Undecodable: consumers skip ${p.key}: ${p.reason}.`,
    foreignKey: (p: { key: string }) =>
      `Outside the format: ${p.key} is not /rpc/<service>:<version>/<host>:<port>.`,
    mismatch: (p: { key: string; valueKey: string }) =>
      `Contradiction: the value of ${p.key} describes ${p.valueKey}.`,
    strayKey: (p: { key: string; lease: string }) =>
      `Stray: ${p.key} names lease ${p.lease}, which etcd does not know.`,
    overdueLease: (p: { lease: string; keys: number }) =>
      `Overdue: lease ${p.lease} has expired and is still there with ${plural(p.keys, 'key')}.`,
    orphanLease: (p: { lease: string; remaining: number; granted: number }) =>
      `Orphan: lease ${p.lease} (${String(p.remaining)} s of ${String(p.granted)} s left) has no keys.`,
    orphanAdvice:
      'It may belong to another user of this etcd, or to a registration that is just being made: look again, ask, and only then revoke it. Left alone it expires, unless somebody renews it.',
    fullLease: (p: { lease: string; keys: number }) =>
      `Over-full: lease ${p.lease} carries ${String(p.keys)} keys; its end would hold up etcd.`,
    fullAdvice: 'Let the provider spread its keys over leases of at most 1,000 keys each.',
    noSpace: (p: { member: string }) =>
      `Alarm NOSPACE on ${p.member}: the database has reached its quota and etcd takes no writes.`,
    corrupt: (p: { member: string }) =>
      `Alarm CORRUPT on ${p.member}: its data differs from that of the other members.`,
    corruptAdvice:
      'Find out which member is wrong, remove it, and add it again with an empty data directory.',
    silentEndpoint: (p: { endpoint: string }) => `No answer from ${p.endpoint}.`,
    silentAdvice: 'See whether its process runs and the network lets you through, then start it.',
    refusingEndpoint: (p: { endpoint: string }) =>
      `${p.endpoint} answers, but refuses Status to this user.`,
    refusingAdvice:
      'Where authentication is enabled, members tell how they are only to a user with the role root. Name one: --user <name>, or MING_REGISTRY_USERNAME.',
    unreachable: (p: { endpoints: string }) =>
      `etcd did not answer at ${p.endpoints}. Is it there? --endpoints or MING_REGISTRY_ENDPOINTS names another one.`,
    unread: {
      alarms: (p: { reason: string }) => `The alarms could not be read: ${p.reason}.`,
      keys: (p: { reason: string }) =>
        `The keys under /rpc/ and their leases could not be read: ${p.reason}.`,
      leases: (p: { reason: string }) => `The leases could not be read: ${p.reason}.`,
    },
    unanswered: {
      QUORUM_LOST: 'the cluster has no quorum',
      UNAVAILABLE: 'no member answered',
      TIMEOUT: 'no answer came in time',
    },
    unreadAdvice:
      'Nobody knows yet what is wrong there. Bring members back until there is a quorum, then run doctor again.',
    noLeader: (p: { member: string }) => `${p.member} knows no leader.`,
    leaderAdvice: 'Bring back enough members for a quorum; a new leader puts this right by itself.',
    more: (p: { kind: string; count: number }) => `… and ${String(p.count)} more of ${p.kind}.`,
    keysCut: (p: { seen: number; total: number }) =>
      `Only ${String(p.seen)} of ${String(p.total)} keys under /rpc/ were looked at.`,
    leasesCut: (p: { seen: number; total: number }) =>
      `Only ${String(p.seen)} of ${String(p.total)} leases were looked at, those of the registry first.`,
    /** Without the keys the leases are not read either. */
    looked: (p: { keys: number | null; leases: number | null; endpoints: number }) => {
      const endpoints = plural(p.endpoints, 'endpoint')
      if (p.keys === null) return `${endpoints}; keys and leases not read`
      const keys = `${plural(p.keys, 'key')} under /rpc/`
      if (p.leases === null) return `${keys}, ${endpoints}; leases not read`
      return `${keys}, ${plural(p.leases, 'lease')}, ${endpoints}`
    },
    healthy: (p: { looked: string }) => `All is well: ${p.looked}.`,
    summary: (p: { findings: number; looked: string }) =>
      `${plural(p.findings, 'finding')} in ${p.looked}.`,
  },
  completion: {
    unknown: (p: { shell: string; shells: string }) =>
      `"${p.shell}" is no shell that can be completed here; there are ${p.shells}.`,
  },
  /** What an ordinary shell is told where a lab says otherwise. */
  program: {
    about:
      'A service registry in etcd from the command line: register, discover, watch, and find out why.',
    usage: '[options] <command> …',
    more: (p: { program: string }) =>
      `${p.program} help <command> shows its options and examples. Exit codes: 0 well, 1 failed, 2 wrong usage, 130 Ctrl-C.`,
    options: {
      endpoints:
        'members of etcd, separated by commas: http://, https:// or unix:// addresses, or host:port (default: http://127.0.0.1:2379)',
      user: 'who to be for etcd; a password may stand in MING_REGISTRY_PASSWORD, where no list of processes shows it',
      'ca-file':
        "the authorities that sign members' certificates (default: those that Node trusts)",
      'cert-file': 'our own certificate, where etcd asks clients for one',
      'key-file': 'the private key of --cert-file',
      config:
        'settings of the registry from a file, as rpc.registry or rpc.registryConfig of the framework; MING_REGISTRY_… goes before it, and an option before both',
      output: 'words for readers, or JSON for programs; a stream is one object a line',
      lang: 'language of the words (default: that of the shell)',
      timeout: 'milliseconds that etcd may take to answer (default: 5000)',
      help: 'this page, or that of a command',
      version: 'the version of this program',
    } as Readonly<Record<string, string>>,
    unknownCommand: (p: { command: string; nearest: string | null; program: string }) =>
      `There is no command "${p.command}".${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`} ${p.program} help lists all commands.`,
    unknownOption: (p: { option: string; nearest: string | null }) =>
      `There is no option ${p.option} before a command.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    choice: (p: { option: string; value: string; choices: string }) =>
      `${p.option} is "${p.value}", expected one of: ${p.choices}.`,
    takesNoValue: (p: { option: string }) => `${p.option} takes no value.`,
    unreadable: (p: { reason: string }) => `The file of --config cannot be read: ${p.reason}`,
    configWarning: (p: { text: string }) => p.text,
    unanswered: (p: { endpoints: string; reason: string }) =>
      `etcd did not answer at ${p.endpoints}. Is it there? --endpoints or MING_REGISTRY_ENDPOINTS names another one. ${p.reason}`,
    waitsForAnswer: 'etcd has not answered so far; still trying. Ctrl-C gives up.',
    nobodyLeads: 'The cluster has no quorum: no member knows a leader.',
    internal: 'Something went wrong in the program itself. The details stand above.',
    registered: (p: { node: string; ttl: number; lease: string }) =>
      `Registered ${p.node}: lease ${p.lease}, TTL ${String(p.ttl)} s, kept alive until Ctrl-C.`,
    afterRegister: (p: { service: string; node: string; prefix: string }) =>
      `In another shell: ${p.prefix}discover ${p.service}, ${p.prefix}watch ${p.service}, or ${p.prefix}explain ${p.node}`,
    deregistered: (p: { node: string }) =>
      `Deregistered ${p.node}: its key is deleted. If its provider still runs, it will put it back.`,
    released: (p: { node: string }) => `Deregistered ${p.node}: its key and its lease are gone.`,
    notReleased: (p: { node: string; seconds: number }) =>
      `${p.node} could not be deregistered; etcd forgets it when its lease ends, within ${String(p.seconds)} s.`,
    overtaken: (p: { node: string; lease: string }) =>
      `${p.node} was taken over: somebody else registered it on lease ${p.lease}. This registration waits, and comes back when that one is gone.`,
    regained: (p: { node: string }) => `${p.node} is registered from here again.`,
    trouble: (p: { reason: string }) => `Trouble with etcd, trying on: ${p.reason}`,
  },
  logs: {
    none: (p: { member: string }) => `${p.member} has logged nothing yet.`,
  },
  version: {
    what: 'PROGRAM',
    version: 'VERSION',
    lab: 'lab',
    outdated: (p: { version: string; floor: string }) =>
      `etcd ${p.version} is older than ${p.floor}, the first of its line without a published security flaw. Fine for a lab, not for production.`,
  },
  etcdctl: {
    listTitle: 'etcdctl runs here with these sub-commands, on the cluster of this lab only:',
    listEnd: 'etcdctl <sub-command> --help shows what etcdctl itself says.',
    unknown: (p: { name: string; nearest: string | null }) =>
      `etcdctl has no sub-command "${p.name}" here.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    incomplete: (p: { name: string; choices: string }) =>
      `etcdctl ${p.name} needs one of: ${p.choices}.`,
    unknownFlag: (p: { flag: string; name: string; nearest: string | null }) =>
      `${p.name} has no flag ${p.flag} here.${p.nearest === null ? '' : ` Did you mean ${p.nearest}?`}`,
    notBoolean: (p: { flag: string; value: string }) =>
      `${p.flag} is "${p.value}", expected true or false.`,
    choice: (p: { flag: string; value: string; choices: string }) =>
      `${p.flag} is "${p.value}", expected one of: ${p.choices}.`,
    duration: (p: { flag: string; value: string; seconds: number }) =>
      `${p.flag} is "${p.value}", expected a time such as 500ms or 3s, at most ${String(p.seconds)}s.`,
    endpoint: (p: { value: string; members: string }) =>
      `"${p.value}" is no member of your cluster. etcdctl here reaches only: ${p.members}.`,
    peerUrl: (p: { value: string }) =>
      `"${p.value}": a member of this lab can only be reached at unix://<name>:<port>, for example unix://etcd4:2380, so that your cluster dials nobody else.`,
    tooFew: (p: { name: string; usage: string }) => `etcdctl ${p.name} needs more: ${p.usage}`,
    tooMany: (p: { name: string; value: string }) =>
      `"${p.value}" is one argument too many for etcdctl ${p.name}.`,
    startsProgram: (p: { name: string; value: string }) =>
      `"${p.value}": etcdctl ${p.name} would start a program with it, and no program is started here. Without it, etcdctl ${p.name} <name or key> runs until Ctrl-C.`,
    dashKey: (p: { value: string }) =>
      `"${p.value}": a key that begins with "-" cannot be watched here. Watch a prefix before it instead.`,
    refused: {
      file: 'it reads or writes a file of the host, and the lab has no files for you',
      host: 'it would reach another host; the cluster of this lab is already set',
      program: 'it would start another program',
      load: 'it puts minutes of load on a machine you share with other readers',
      members:
        'it would ask the addresses in the member list; leave it out, all members are asked anyway',
      shared:
        'this cluster is shared, and it would take it from everybody else; whoever runs the cluster can do it',
      output: 'it prints what a terminal cannot show; use --write-out=json',
      debug: 'it prints the inside of the client; logs <member> shows what a member says',
      completion: 'Tab completes sub-commands and flags here',
      tls: 'connections of this lab are private sockets and use no TLS',
      discovery: 'it would look up hosts; the cluster of this lab is already set',
    },
    notAllowed: (p: { what: string; reason: string }) => `${p.what} is not allowed: ${p.reason}.`,
    stdin: {
      value:
        'etcdctl put without a value reads it from standard input, and there is none here. Write it out: etcdctl put <key> <value>',
      txn: 'etcdctl txn reads its requests from standard input, and there is none here. register and deregister use transactions; logs and watch show their effect.',
      interactive: 'Interactive mode reads from standard input, and there is none here.',
      password:
        'etcdctl would ask for a password on standard input, and there is none here. Give it at once: --user name:password',
      newUser:
        'etcdctl would ask for a password on standard input, and there is none here. Give it at once: etcdctl user add name:password, or --no-password',
      passwd:
        'etcdctl user passwd asks for the password on standard input, and there is none here. Instead: etcdctl user delete <name>, then etcdctl user add <name>:<password>',
    },
    outputLimit: (p: { limit: string }) =>
      `etcdctl was ended: its output passed ${p.limit}. Narrow it with --limit, --keys-only or a longer prefix.`,
    endpointFlag: 'members to ask, by name',
    flag: 'flag of etcdctl',
  },
  complete: {
    leader: (p: { member: string | null }) =>
      p.member === null ? 'whoever leads' : `whoever leads, now ${p.member}`,
    follower: 'any member that follows',
    instances: (p: { count: number }) => plural(p.count, 'instance'),
  },
  commands: {
    register: {
      summary: 'Register an instance of a service',
      about: [
        'Writes /rpc/<service>:<version>/<address> with a lease. The lab keeps the lease alive and puts the key back after any loss, until you deregister it or the lab ends.',
      ],
      aboutInProgram: [
        'Writes /rpc/<service>:<version>/<address> with a lease, stays, keeps the lease alive and puts the key back after any loss. Ctrl-C or SIGTERM deregisters it and revokes the lease; a second Ctrl-C ends at once, and etcd then forgets the instance when the lease ends.',
      ],
      positionals: {
        service: 'the service, with its version after a colon if it is not 1.0',
        address: 'host and port of the provider',
      },
      options: {
        version: 'the version, instead of after the colon',
        group: 'group, a field of the value',
        ttl: 'seconds until etcd forgets the instance when nobody renews it',
        naive: 'ask the naive registry, which has the faults of the original',
      },
      examples: [
        'version 1.0, TTL 30 s',
        'version 2.0, forgotten 10 s after nobody renews it any more',
      ],
    },
    deregister: {
      summary: 'Remove an instance',
      about: [
        'Deletes the key, whoever wrote it. When this lab registered it, the lab stops renewing it and nobody puts the key back.',
      ],
      aboutInProgram: [
        'Deletes the key, whoever wrote it. A provider that still runs elsewhere will put its own back.',
      ],
      positionals: { service: 'the service', address: 'host and port of the provider' },
      options: {
        version: 'the version, instead of after the colon',
        naive: 'ask the naive registry, which has the faults of the original',
      },
      examples: ['removes the instance of version 1.0'],
    },
    discover: {
      summary: 'List the instances of a service',
      about: ['One linearizable read of the prefix /rpc/<service>:<version>/.'],
      positionals: { service: 'the service' },
      options: {
        version: 'the version, instead of after the colon',
        naive: 'ask the naive registry, which has the faults of the original',
      },
      examples: ['instances of version 1.0', 'instances of version 2.0'],
    },
    services: {
      summary: 'List all services',
      about: [],
      positionals: {},
      options: {},
      examples: ['every service with the number of its instances'],
    },
    watch: {
      summary: 'Show changes of a service until Ctrl-C',
      about: [
        'Lists the instances, then watches the prefix from the revision of the list, so nothing is missed and nothing comes twice. Times are UTC.',
      ],
      positionals: { service: 'the service' },
      options: { version: 'the version, instead of after the colon' },
      examples: ['register and deregister in a second terminal to see them here'],
    },
    provider: {
      summary: 'Start providers that answer calls, and kill, pause or drain them',
      about: [
        'A provider is a process of its own. It opens a port on the loopback address, registers itself in etcd, renews its own lease, and answers calls with its name and a count. At most 10 at once; they end with the lab.',
      ],
      positionals: {
        action: 'what to do',
        target: 'for start: a service; else a provider (p1 …), its address, a service, or all',
      },
      options: {
        count: 'start: how many',
        ttl: 'start: seconds until etcd forgets a provider that no longer renews',
        weight: 'start: its share of the calls compared with the others',
      },
      examples: [
        'three processes, each registered by itself',
        'who runs, where, in which state',
        'ends one at once; its key stays for a while',
        'ends all of a service in order',
      ],
    },
    call: {
      summary: 'Call a service through the registry, until Ctrl-C with --every',
      about: [
        'Lists the instances once and follows them with a watch, so that a call costs etcd nothing. Instances that are draining get no call. Only providers that this lab started are called.',
        'A call that is not answered within 1 s is repeated once on another instance. Where the connection was refused that is always right. Where only the answer is missing, the call may have been carried out, and repeating it is right only for what may happen twice.',
      ],
      positionals: { service: 'the service' },
      options: {
        version: 'the version, instead of after the colon',
        count: 'how many calls; 1 when left out, with --every until Ctrl-C',
        every: 'milliseconds between the starts of two calls; one after another when left out',
        balance: 'who is called: by chance and weight, in turn, or whoever owes the fewest answers',
      },
      examples: ['one call', 'five calls a second, away from slow instances'],
    },
    cluster: {
      summary: 'Show members, roles, term, revision and quorum',
      about: ['Every member is asked by itself; a member says whom it believes to lead.'],
      positionals: {},
      options: {},
      examples: ['who leads, who follows, who is gone'],
    },
    kill: {
      summary: 'Kill a member (SIGKILL) and measure the failover',
      about: [
        'leader and follower are resolved when the command runs. After the leader is gone, every survivor is asked every few milliseconds until one names a new leader, and the widest distance between two answers is printed; probe writes measure when writes work again.',
      ],
      positionals: { target: 'a member (etcd1 …), leader, or follower' },
      options: {},
      examples: ['kills whoever leads', 'kills one member'],
    },
    stop: {
      summary: 'Stop a member gracefully (SIGTERM)',
      about: ['A leader that stops hands its leadership over first: compare the gap with kill.'],
      positionals: { target: 'a member (etcd1 …), leader, or follower' },
      options: {},
      examples: ['the leader hands over and ends', 'ends one member'],
    },
    start: {
      summary: 'Start a member that is not running',
      about: ['Ready when the member serves again. It comes back with its data.'],
      positionals: { target: 'a member (etcd1 …); all that wait for it when left out' },
      options: {},
      examples: ['brings every member back that is not running', 'brings etcd1 back'],
    },
    pause: {
      summary: 'Freeze a member (SIGSTOP)',
      about: [
        'The process stays and its connections stay open, but it answers nobody: what a long garbage collection or a stuck disk looks like.',
      ],
      positionals: { target: 'a member (etcd1 …), leader, or follower' },
      options: {},
      examples: ['freezes whoever leads', 'freezes one member'],
    },
    resume: {
      summary: 'Thaw a paused member (SIGCONT)',
      about: [],
      positionals: { target: 'a member (etcd1 …); all that wait for it when left out' },
      options: {},
      examples: ['every paused member goes on', 'etcd1 goes on where it was'],
    },
    logs: {
      summary: 'Show the newest log lines of a member',
      about: [],
      positionals: { target: 'a member (etcd1 …), leader, or follower' },
      options: { lines: 'how many lines' },
      examples: ['the newest 20 lines', 'the newest 100 lines of whoever leads'],
    },
    lease: {
      summary: 'List leases, or show one with its keys',
      about: [
        'A lease is the heartbeat: when it is not renewed, etcd deletes every key on it. Ids are hexadecimal, as etcdctl prints them.',
      ],
      positionals: { id: 'a lease id' },
      options: {},
      examples: ['all leases with what remains of their TTL'],
    },
    endpoints: {
      summary: 'Show where the members listen',
      about: [],
      aboutInProgram: [
        'Every endpoint is asked by itself; a member says whom it believes to lead.',
      ],
      positionals: {},
      options: {},
      examples: ['each member and its state'],
    },
    naive: {
      summary: 'List the twenty faults of the original registry',
      about: [
        'The naive registry behaves as the original Java class does, faults included. It stands beside the real one, on the same cluster, and speaks to the first member only.',
      ],
      positionals: {},
      options: {},
      examples: ['what is wrong, and how it shows'],
    },
    version: {
      summary: 'Show what runs here, and its versions',
      about: [],
      positionals: {},
      options: {},
      examples: ['what runs here'],
    },
    explain: {
      summary: 'Show which key, revision and lease put an instance there',
      about: [
        'Reads the key and its lease: the value as it stands in etcd, the revisions at which it was created and modified, what is left of the lease, and how many keys share it.',
      ],
      positionals: { service: 'the service', address: 'host and port of the provider' },
      options: { version: 'the version, instead of after the colon' },
      examples: ['where the instance of version 1.0 comes from'],
    },
    snapshot: {
      summary: 'Show the whole registry as it stands at one revision',
      about: [
        'One linearizable read of everything under /rpc/: every key belongs to the same revision, whatever is being written meanwhile. With --rev it shows the registry as it was then, as long as etcd has not compacted that revision. As JSON it has the values too, so two snapshots can be compared. It shows 10,000 keys at most.',
      ],
      positionals: {},
      options: { rev: 'an earlier revision instead of the present one' },
      examples: [
        'every instance, with its revision and its lease',
        'the registry as it was at revision 120',
      ],
    },
    doctor: {
      summary: 'Look for what is wrong in the registry, and say how to mend it',
      about: [
        'Looks for keys under /rpc/ without a lease, values that consumers cannot read, keys outside the format, leases without keys or with more than 1,000, alarms of etcd, and members that do not answer. Without a quorum it still says which members are silent, and what could not be read. It changes nothing and looks at 10,000 keys and 1,000 leases at most. The exit code is 0 when all is well, 1 with findings.',
      ],
      positionals: {},
      options: {},
      examples: ['every finding with the commands that mend it'],
    },
    completion: {
      summary: 'Print what makes Tab complete in your shell',
      about: [
        'Have the start-up file of your shell load what it prints. bash, in ~/.bashrc, and zsh, in ~/.zshrc after compinit: source <(ming completion bash), or zsh in its place. fish, in config.fish: ming completion fish | source',
      ],
      positionals: { shell: 'your shell' },
      options: {},
      examples: ['for bash', 'for zsh', 'for fish'],
    },
    clear: {
      summary: 'Clear the terminal',
      about: [],
      positionals: {},
      options: {},
      examples: ['an empty screen; history stays'],
    },
    help: {
      summary: 'Show all commands, or one with examples',
      about: [],
      positionals: { command: 'a command' },
      options: {},
      examples: ['all commands', 'options and examples of register'],
    },
    etcdctl: {
      summary: "Run etcd's own client on your cluster",
      about: [
        'The real etcdctl, with the endpoints of your cluster already set. Sub-commands that would start a program, touch a file, reach another host or wait for standard input are refused.',
      ],
      positionals: {},
      options: {},
      examples: [
        'what the registry wrote',
        'one status line per member',
        'the sub-commands allowed here',
      ],
    },
  } satisfies Record<string, CommandText>,
}

/** The catalogue's shape: the Chinese one has exactly the same keys. */
export type Messages = typeof en
