import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LabError } from '../../../protocol/index.ts'
import type { MemberProcess } from '../../cluster/cluster-driver.ts'
import { findEndpoints } from './endpoints.ts'
import { allowedSubcommands, etcdctlPolicy, ownClusterOnly, subcommands } from './policy.ts'
import { vetEtcdctl } from './vet.ts'

function member(name: string, clientUrl: string): MemberProcess {
  return { name, clientUrl, state: 'running', since: 0, pid: 1, exit: null }
}

const endpoints = findEndpoints(
  ['etcd1', 'etcd2', 'etcd3'].map((name) => member(name, `unix:///run/lab/${name}.sock`)),
)
const pinned = '--endpoints=unix://etcd1.sock,unix://etcd2.sock,unix://etcd3.sock'

const vet = (line: string) => vetEtcdctl(split(line), endpoints)
/** Words parted by blanks; `''` is an empty word. */
const split = (line: string) =>
  line.split(' ').flatMap((word) => (word === "''" ? [''] : word === '' ? [] : [word]))

function refusal(words: string | readonly string[]): LabError {
  try {
    vetEtcdctl(typeof words === 'string' ? split(words) : words, endpoints)
  } catch (error) {
    if (error instanceof LabError) return error
    throw error
  }
  throw new Error(`accepted: ${JSON.stringify(words)}`)
}

describe('endpoints', () => {
  test('sockets of one directory are named relative to it', () => {
    expect(endpoints.dir).toBe('/run/lab')
    expect(endpoints.byMember.get('etcd2')).toBe('unix://etcd2.sock')
  })

  test('anything else is named as it is', () => {
    const mixed = findEndpoints([
      member('etcd1', 'http://127.0.0.1:2379'),
      member('etcd2', 'unix:///run/lab/etcd2.sock'),
    ])
    expect(mixed.dir).toBe('/')
    expect([...mixed.byMember.values()]).toEqual([
      'http://127.0.0.1:2379',
      'unix:///run/lab/etcd2.sock',
    ])
  })
})

describe('what runs is built anew', () => {
  test.each([
    ['get /rpc/ --prefix', ['get', pinned, '--prefix=true', '--', '/rpc/']],
    ['get --prefix=false k', ['get', pinned, '--prefix=false', '--', 'k']],
    ['--write-out=table member list', ['member', 'list', pinned, '--write-out=table']],
    ['-w json endpoint status', ['endpoint', 'status', pinned, '--write-out=json']],
    ['endpoint -wtable status', ['endpoint', 'status', pinned, '--write-out=table']],
    ['endpoint status -w=fields', ['endpoint', 'status', pinned, '--write-out=fields']],
    ['put k v', ['put', pinned, '--', 'k', 'v']],
    ['put k -- -v', ['put', pinned, '--', 'k', '-v']],
    ['put -- --endpoints=evil v', ['put', pinned, '--', '--endpoints=evil', 'v']],
    [
      'put k --ignore-value --lease 1f',
      ['put', pinned, '--ignore-value=true', '--lease=1f', '--', 'k'],
    ],
    ["del '' --from-key", ['del', pinned, '--from-key=true', '--', '']],
    ['get k - ', ['get', pinned, '--', 'k', '-']],
    ['get k --command-timeout 500ms', ['get', pinned, '--command-timeout=500ms', '--', 'k']],
    ['member remove 8e9e05c52164694d', ['member', 'remove', pinned, '--', '8e9e05c52164694d']],
    [
      'member add etcd4 --learner --peer-urls=unix://etcd4:2380',
      ['member', 'add', pinned, '--learner=true', '--peer-urls=unix://etcd4:2380', '--', 'etcd4'],
    ],
    ['auth enable', ['auth', 'enable', pinned]],
    ['user add root:pw', ['user', 'add', pinned, '--', 'root:pw']],
    ['user add ci --no-password', ['user', 'add', pinned, '--no-password=true', '--', 'ci']],
    ['get k --user root:pw', ['get', pinned, '--user=root:pw', '--', 'k']],
    ['get k --user root --password pw', ['get', pinned, '--user=root', '--password=pw', '--', 'k']],
    ['elect -l e', ['elect', pinned, '--listen=true', '--', 'e']],
    ['version', ['version', pinned]],
  ])('etcdctl %s', (line, argv) => {
    expect(vet(line)).toMatchObject({ kind: 'run', argv })
  })

  test.each([
    ['watch k', true],
    ['lock l', true],
    ['elect e me', true],
    ['lease keep-alive 1f', true],
    ['lease keep-alive 1f --once', false],
    ['get k', false],
  ])('etcdctl %s runs until Ctrl-C: %s', (line, streams) => {
    expect(vet(line).streams).toBe(streams)
  })

  test.each(['', 'help', '--help', '-h', '-w json'])('etcdctl %s lists what there is', (line) => {
    expect(vet(line).kind).toBe('list')
  })

  test.each([
    'get --help',
    'get -h',
    'help get',
    '--help get',
    'put --help',
    'help get -- touch x',
  ])('etcdctl %s shows etcdctl’s own help and needs no cluster', (line) => {
    const { argv } = vet(line)
    expect(argv).toEqual([line.includes('put') ? 'put' : 'get', '--help'])
  })
})

describe('in a cluster that readers share', () => {
  test.each([...ownClusterOnly])('etcdctl %s is refused, and not listed', (name) => {
    const rule = subcommands.find((one) => one.name === name)
    const line = [...name.split(' '), ...Array<string>(rule?.positionals[0] ?? 0).fill('1f')]
    expect(vetEtcdctl(line, endpoints)).toMatchObject({ kind: 'run' })
    expect(() => vetEtcdctl(line, endpoints, { shared: true })).toThrow('this cluster is shared')
    expect(allowedSubcommands(true).map((one) => one.name)).not.toContain(name)
  })

  test('the rest runs, and so does the help of what is refused', () => {
    for (const words of ['get k', 'member list', 'help member remove']) {
      expect(vetEtcdctl(split(words), endpoints, { shared: true }).kind).toBe('run')
    }
  })
})

describe('one member can be asked, a stranger cannot', () => {
  test.each(['etcd2', 'etcd2:2379', 'http://etcd2:2379', 'unix://etcd2.sock'])(
    '--endpoints=%s is the second member',
    (value) => {
      expect(vet(`get k --endpoints=${value}`).argv).toContain('--endpoints=unix://etcd2.sock')
    },
  )

  test('several members are several endpoints', () => {
    expect(vet('get k --endpoints etcd1,etcd3').argv).toContain(
      '--endpoints=unix://etcd1.sock,unix://etcd3.sock',
    )
  })

  test.each([
    'http://127.0.0.1:2379',
    '127.0.0.1:2379',
    'localhost:22',
    'http://etcd1:2379@evil',
    'etcd1.evil',
    'etcd1,evil:2379',
    'ETCD1',
    'unix:///run/lab/etcd1.sock',
    'unix://../other/etcd1.sock',
    'unix:etcd1.sock',
    'dns:///evil',
    '',
    ',',
    '__proto__',
    'constructor',
  ])('--endpoints=%s is refused and the members are named', (value) => {
    const error = refusal(['get', 'k', `--endpoints=${value}`])
    expect(error.code).toBe('NOT_ALLOWED')
    expect(error.message).toContain('etcd1, etcd2, etcd3')
  })

  test('the last of two --endpoints does not slip through', () => {
    expect(refusal('get k --endpoints=etcd1 --endpoints=evil:1').code).toBe('NOT_ALLOWED')
    expect(refusal('--endpoints=evil:1 get k').code).toBe('NOT_ALLOWED')
    expect(vet('--endpoints=etcd1 get k --endpoints=etcd2').argv).toContain(
      '--endpoints=unix://etcd2.sock',
    )
  })
})

describe('what would leave the lab is refused', () => {
  test.each([
    'snapshot',
    'snapshot save /tmp/x',
    'snapshot restore /etc',
    'snapshot status /etc/passwd',
    'make-mirror evil:2379',
    'check perf',
    'check datascale',
    'completion bash',
    'get k --cacert=/etc/passwd',
    'get k --cacert /etc/passwd',
    'get k --cert=x',
    'get k --key=x',
    '--key x get k',
    'get k --insecure-transport=false',
    'get k --insecure-skip-tls-verify',
    'get k --discovery-srv=evil',
    'get k -d evil',
    'get k -devil',
    'get k --discovery-srv-name x',
    'get k --insecure-discovery',
    'get k --debug',
    'defrag --data-dir=/var/lib/etcd',
    'defrag --cluster',
    'endpoint health --cluster',
    'endpoint status --cluster=true',
    'member add x --peer-urls=http://evil:2380',
    'member add x --peer-urls=http://127.0.0.1:22',
    'member add x --peer-urls=unix:///var/run/docker.sock',
    'member add x --peer-urls=unix://../other:2380',
    'member add x --peer-urls=unix://x:2380,http://evil:1',
    'member add x --peer-urls=unix://x:2380/path',
    'member add x --peer-urls=unix://x',
    'member update 1 --peer-urls https://evil:2380',
    'watch k -- touch /tmp/x',
    'watch -- k touch',
    'watch k --',
    'watch -- k',
    'watch a b touch',
    'lock l touch /tmp/x',
    'lock l -- touch /tmp/x',
    '-- watch k',
    'member -- list',
    'get k -w protobuf',
    'get k --write-out=protobuf',
    'nonsense',
    'gett k',
    'get k --prefi',
    'get k -prefix',
    'get k --prefixx',
    'get k --keepalive-time=1h',
    'get k -hx',
    'get k ---',
    'get k --=x',
    'put k v --lock',
    '__proto__',
    'constructor',
    'toString x',
    'get k --__proto__=x',
    'get k --constructor',
    'user passwd2 x',
    'help snapshot',
  ])('etcdctl %s', (line) => {
    const error = refusal(line)
    expect(error.code).toBe('NOT_ALLOWED')
    expect(error.message.length).toBeGreaterThan(20)
  })

  test.each([
    ['gett k', 'Did you mean get?'],
    ['member lits', 'Did you mean member list?'],
    ['get k --prefixx', 'Did you mean --prefix?'],
    ['get k -prefix', 'Did you mean --prefix?'],
    ['snapshot save x', 'file'],
    ['watch k -- sh', 'start a program'],
    ['endpoint status --cluster', 'leave it out'],
    ['get k -w protobuf', '--write-out=json'],
  ])('etcdctl %s says what to do instead: %s', (line, hint) => {
    expect(refusal(line).message).toContain(hint)
  })
})

describe('what would wait for standard input is refused', () => {
  test.each([
    'txn',
    'txn -i',
    'txn --interactive',
    'put k',
    'put -- k',
    'put k --lease=1f',
    'put k --ignore-value=false',
    'put k --ignore-lease',
    'watch -i',
    'watch --interactive',
    'watch --interactive=true k',
    'watch -i=true',
    'user add ci',
    'user add ci --interactive=false',
    'user add ci:',
    'user add :pw',
    'user add ci --no-password=false',
    'user add ci --new-user-password=',
    'user passwd root',
    'user passwd root --interactive=false',
    'get k --user root',
    'get k --user=root:',
    'get k --user root --password=',
    '--user root get k',
    'help txn',
  ])('etcdctl %s', (line) => {
    expect(refusal(line).code).toBe('STDIN_REFUSED')
  })
})

describe('misuse says what was expected', () => {
  test.each([
    ['get', '<key> [range_end]'],
    ['get a b c', 'too many'],
    ['put a b c', 'too many'],
    ['member', 'needs one of: list, add'],
    ['lease', 'needs one of: grant'],
    ['user grant-role root', '<name> <role>'],
    ['get k --prefix=maybe', 'expected true or false'],
    ['get k -w yaml', 'simple, json, table, fields'],
    ['get k --command-timeout=10h', 'at most 30s'],
    ['get k --command-timeout=31s', 'at most 30s'],
    ['get k --command-timeout=0s', 'at most 30s'],
    ['get k --dial-timeout=-1s', 'at most 30s'],
    ['get k --limit', '--limit needs a value'],
    ['-w', '--write-out needs a value'],
  ])('etcdctl %s', (line, hint) => {
    const error = refusal(line)
    expect(error.code).toBe('USAGE')
    expect(error.message).toContain(hint)
  })
})

describe('for any words', () => {
  const { globalFlags, refusedFlags, refusedSubcommands, stdinSubcommands } = etcdctlPolicy()
  const names = [...subcommands.map((rule) => rule.name), ...Object.keys(refusedSubcommands)]
  const flags = subcommands.flatMap((rule) => rule.flags)
  const word = fc.oneof(
    fc.constantFrom(...names.flatMap((name) => name.split(' ')), ...Object.keys(stdinSubcommands)),
    fc.constantFrom(...[...flags, ...globalFlags].map((flag) => `--${flag.name}`)),
    fc.constantFrom(...Object.keys(refusedFlags).map((name) => `--${name}=x`)),
    fc.constantFrom('--', '-', '-w', '-i', '-d', '-l', 'true', 'etcd1', 'unix://x:1', '', 'sh'),
    fc.string({ unit: 'binary', maxLength: 12 }),
  )

  test('either nothing runs, or a listed sub-command on the lab’s own members', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        let argv: readonly string[]
        try {
          argv = vetEtcdctl(words, endpoints).argv
        } catch (error) {
          expect(error).toBeInstanceOf(LabError)
          expect(['USAGE', 'NOT_ALLOWED', 'STDIN_REFUSED']).toContain((error as LabError).code)
          return
        }
        if (argv.length === 0 || argv.at(-1) === '--help') return
        const dashes = argv.indexOf('--')
        const ours = dashes < 0 ? argv : argv.slice(0, dashes)
        const rule = subcommands.find(({ name }) =>
          `${ours.join(' ')} `.startsWith(`${name} --endpoints=`),
        )
        expect(rule).toBeDefined()
        const reached = ours.filter((one) => one.startsWith('--endpoints='))
        expect(reached).toHaveLength(1)
        for (const endpoint of reached[0]!.slice('--endpoints='.length).split(',')) {
          expect([...endpoints.byMember.values()]).toContain(endpoint)
        }
        for (const name of Object.keys(refusedFlags)) {
          expect(ours.some((one) => one.split('=')[0] === `--${name}`)).toBe(false)
        }
        if (rule?.startsPrograms) {
          expect(argv).not.toContain('--')
          expect(argv.filter((one) => !one.startsWith('--')).length).toBeLessThanOrEqual(
            rule.name.split(' ').length + rule.positionals[1],
          )
        }
      }),
      { numRuns: 5000 },
    )
  })
})
