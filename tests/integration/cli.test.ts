import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EtcdConnection } from '../../lab-server/etcd/connection.ts'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { leaseIdToHex } from '../../lab-server/shell/quantities.ts'
import { createAuthority, type Authority, type Identity } from '../helpers/certificates.ts'
import { compact } from '../helpers/compact.ts'
import { startEtcdCluster, type EtcdCluster } from '../helpers/etcd-cluster.ts'
import { runMing, startMing, type Ming, type MingEnd } from '../helpers/ming.ts'
import { enableAuth, startPlainEtcd, type PlainEtcd } from '../helpers/plain-etcd.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { etcdUnderTest } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

const cli = path.resolve(import.meta.dirname, '../../lab-server/cli.ts')

let cluster: EtcdCluster
let etcd: EtcdClient
let endpoints: string

beforeAll(async () => {
  cluster = await startEtcdCluster()
  etcd = new EtcdClient({ endpoints: cluster.endpoints })
  endpoints = cluster.endpoints.join(',')
})

afterAll(async () => {
  etcd.close()
  await cluster.close()
})

beforeEach(async () => {
  await etcd.deleteRange({ prefix: '' })
  const { ids } = await etcd.leases()
  await Promise.all(ids.map((id) => etcd.leaseRevoke(id)))
})

const ming = (...args: string[]) => runMing(['--endpoints', endpoints, ...args])
const start = (...args: string[]) => startMing(['--endpoints', endpoints, ...args])

const valueOf = (name: string, port: number, version = '1.0') =>
  `{"serviceName":"${name}","serviceVersion":"${version}","serviceHost":"10.0.0.7","servicePort":${port},"serviceGroup":"default"}`

/** A provider that somebody else runs: a key on a lease of its own. Resolves with the lease. */
async function putInstance(name: string, port: number): Promise<string> {
  const { id } = await etcd.leaseGrant({ ttlSeconds: 60 })
  const key = `/rpc/${name}:1.0/10.0.0.7:${port}`
  await etcd.put({ key, value: valueOf(name, port), lease: id })
  return id
}

const said = (running: Ming, wanted: string | RegExp) =>
  waitFor(String(wanted), () => {
    const text = running.stdout()
    const found = typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)
    return found || `${text}${running.stderr()}`
  })

async function expectNothingInEtcd(): Promise<void> {
  expect((await etcd.range({ prefix: '' })).kvs).toEqual([])
  expect((await etcd.leases()).ids).toEqual([])
}

/** Any text that the pattern fits. */
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern)

/** The lines of a text as JSON. */
const json = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))

describe('register stays in the foreground', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 0],
  ] as const)('and takes everything back on %s', async (signal, code) => {
    const running = start('register', 'UserService', '127.0.0.1:8080')
    await said(running, /Registered UserService 127\.0\.0\.1:8080: lease [0-9a-f]{16}, TTL 30 s/)
    expect((await etcd.range({ prefix: '/rpc/' })).count).toBe(1)
    running.signal(signal)
    const end = await running.ended
    expect(end).toMatchObject({ code, stderr: '' })
    expect(end.stdout).toContain('Deregistered UserService 127.0.0.1:8080')
    await expectNothingInEtcd()
  })

  test('and consumers are told that it leaves before it is gone', async () => {
    const consumer = start('watch', 'UserService', '--output', 'json')
    await said(consumer, '"listed"')
    const provider = start('register', 'UserService', '127.0.0.1:8080')
    await said(provider, 'Registered')
    provider.signal('SIGTERM')
    await said(consumer, '"removed"')
    expect(json(consumer.stdout()).slice(1)).toMatchObject([
      { type: 'added' },
      { type: 'updated', instance: { extra: { draining: true } } },
      { type: 'removed', cause: 'drained' },
    ])
  })

  test('and after kill -9 the instance is gone with its lease', async () => {
    const running = start('register', 'UserService', '127.0.0.1:8080', '--ttl', '2')
    await said(running, 'Registered')
    running.signal('SIGKILL')
    expect((await running.ended).signal).toBe('SIGKILL')
    expect((await etcd.range({ prefix: '/rpc/' })).count).toBe(1)
    await waitFor('the lease to expire', async () => {
      const { count } = await etcd.range({ prefix: '' })
      const { ids } = await etcd.leases()
      return (count === 0 && ids.length === 0) || `${count} keys, ${ids.length} leases`
    })
  })

  test('and reports both ends as lines of JSON', async () => {
    const running = start('--output', 'json', 'register', 'S:2.0', '[::1]:81', '--ttl', '20')
    await said(running, '\n')
    running.signal('SIGINT')
    const end = await running.ended
    expect(end).toMatchObject({ code: 130, stderr: '' })
    const key = '/rpc/S:2.0/[::1]:81'
    expect(json(end.stdout)).toEqual([
      {
        type: 'registered',
        serviceName: 'S',
        serviceVersion: '2.0',
        serviceHost: '[::1]',
        servicePort: 81,
        serviceGroup: 'default',
        key,
        lease: matching(/^[0-9a-f]{16}$/),
        ttlSeconds: 20,
      },
      { type: 'deregistered', key },
    ])
    await expectNothingInEtcd()
  })

  test('and two of one address hear of each other', async () => {
    const address = ['register', 'UserService', '127.0.0.1:8080']
    const first = start(...address)
    await said(first, 'Registered')
    expect(first.stderr()).toBe('')
    const second = start('--output', 'json', ...address)
    await said(second, '"registered"')
    const held = /lease ([0-9a-f]{16})/.exec(first.stdout())?.[1]
    expect(json(second.stdout())).toMatchObject([{ overtook: { lease: held } }])
    await waitFor('the first to be told', () => {
      return first.stderr().includes('UserService 127.0.0.1:8080 was taken over') || 'no word'
    })
    second.signal('SIGTERM')
    await second.ended
    await said(first, 'registered from here again')
    const third = start('--lang', 'zh-CN', ...address)
    await waitFor(
      'the third to be told',
      () => third.stderr().includes('原本就已注册') || 'no word',
    )
    for (const running of [third, first]) {
      running.signal('SIGTERM')
      expect(await running.ended).toMatchObject({ code: 0 })
    }
    await expectNothingInEtcd()
  })

  test('and says what goes wrong meanwhile', async () => {
    const [member] = cluster.members
    const options = ['--endpoints', member?.clientUrl ?? '', '--timeout', '600']
    const running = startMing([...options, 'register', 'S', 'h:1', '--ttl', '2'])
    await said(running, 'Registered')
    expect(running.stderr()).toBe('')
    await cluster.pause(member?.name ?? '')
    try {
      await waitFor('a word on the silent etcd', () => {
        const text = running.stderr()
        return text.includes('Trouble with etcd, trying on: ') || text
      })
    } finally {
      await cluster.heal()
    }
  })

  test('and says so when etcd has not confirmed the end; a second Ctrl-C ends at once', async () => {
    const options = ['--endpoints', cluster.endpoints[0] ?? '', '--timeout', '60000']
    const running = startMing([...options, 'register', 'S', 'h:1'])
    await said(running, 'Registered')
    await cluster.pause(...cluster.members.map(({ name }) => name))
    try {
      running.signal('SIGINT')
      await waitFor('the second Ctrl-C to end it', async () => {
        running.signal('SIGINT')
        const end = await Promise.race([running.ended, Promise.resolve(null)])
        return end !== null || 'it runs'
      })
      expect(await running.ended).toMatchObject({ code: 130, signal: null })
    } finally {
      await cluster.heal()
    }
  })
})

describe('what is registered', () => {
  test('is discovered, in words and as JSON', async () => {
    const lease = leaseIdToHex(await putInstance('UserService', 8080))
    await etcd.put({ key: '/rpc/UserService:1.0/10.0.0.7:1', value: 'no JSON' })
    const words = await ming('discover', 'UserService')
    expect(words.code).toBe(0)
    expect(words.stdout).toMatch(new RegExp(`10\\.0\\.0\\.7:8080 +default +\\d+ +${lease}\n`))
    expect(words.stdout).toContain('UserService: 1 instance at revision')
    expect(words.stderr).toContain('Skipped /rpc/UserService:1.0/10.0.0.7:1')
    expect(words.stdout + words.stderr).not.toMatch(/\p{Cc}\[/u)

    const data = await ming('discover', 'UserService', '--output', 'json')
    expect(data).toMatchObject({ code: 0, stderr: '' })
    expect(json(data.stdout)).toEqual([
      {
        service: { name: 'UserService', version: '1.0' },
        revision: matching(/^\d+$/),
        instances: [
          {
            serviceName: 'UserService',
            serviceVersion: '1.0',
            serviceHost: '10.0.0.7',
            servicePort: 8080,
            serviceGroup: 'default',
            key: '/rpc/UserService:1.0/10.0.0.7:8080',
            revision: matching(/^\d+$/),
            lease,
          },
        ],
        undecodable: [{ key: '/rpc/UserService:1.0/10.0.0.7:1', reason: 'the value is not JSON' }],
      },
    ])
  })

  test('is counted by services and lease, and each endpoint is asked by itself', async () => {
    const id = await putInstance('UserService', 8080)
    const [services, lease, members] = await Promise.all([
      ming('services', '--output=json'),
      ming('lease', '--output=json'),
      ming('endpoints', '--output=json'),
    ])
    expect(json(services.stdout)).toMatchObject([
      { services: [{ name: 'UserService', version: '1.0', instances: 1 }] },
    ])
    expect(json(lease.stdout)).toMatchObject([
      {
        leases: [
          {
            id: leaseIdToHex(id),
            decimal: id,
            grantedTtl: 60,
            keys: ['/rpc/UserService:1.0/10.0.0.7:8080'],
          },
        ],
      },
    ])
    const [{ endpoints: asked }] = json(members.stdout) as [
      { endpoints: { member: string; answers: boolean; memberId: string; leaderId: string }[] },
    ]
    expect(asked.map(({ member, answers }) => [member, answers])).toEqual(
      cluster.members.map(({ name }) => [name, true]),
    )
    const leader = asked.find(({ memberId, leaderId }) => memberId === leaderId)
    expect(leader?.member).toBe(await cluster.leader())
    expect((await ming('services')).stdout).toMatch(/UserService:1\.0 +1\n1 service at/)
  })

  test('is deregistered by anybody, and then it was not there', async () => {
    await putInstance('UserService', 8080)
    const gone = await ming('deregister', 'UserService', '10.0.0.7:8080')
    expect(gone).toMatchObject({ code: 0, stderr: '' })
    expect(gone.stdout).toContain('If its provider still runs, it will put it back')
    const again = await ming('deregister', 'UserService', '10.0.0.7:8080', '--output', 'json')
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(json(again.stderr)).toMatchObject([{ code: 'NOT_REGISTERED' }])
  })

  test('is watched from the list on, a line of JSON each, until Ctrl-C', async () => {
    await putInstance('UserService', 8080)
    const running = start('watch', 'UserService', '--output', 'json')
    await said(running, '"listed"')
    await putInstance('UserService', 8081)
    await said(running, '"added"')
    await etcd.deleteRange({ key: '/rpc/UserService:1.0/10.0.0.7:8080' })
    await said(running, '"removed"')
    running.signal('SIGINT')
    const end = await running.ended
    expect(end).toMatchObject({ code: 130, stderr: '' })
    expect(json(end.stdout)).toMatchObject([
      { type: 'listed', instances: [{ servicePort: 8080 }] },
      { type: 'added', instance: { servicePort: 8081 } },
      { type: 'removed', instance: { servicePort: 8080 } },
    ])
  })

  test('is watched in words, in Chinese, and a reader who goes away ends it quietly', async () => {
    const env = { LANG: 'zh_CN.UTF-8', MING_REGISTRY_ENDPOINTS: endpoints }
    const running = startMing(['watch', 'UserService'], { env })
    await said(running, '从这里开始监听')
    running.closeStdout()
    await putInstance('UserService', 8081)
    await putInstance('UserService', 8082)
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  })
})

describe('explain', () => {
  const address = ['UserService', '10.0.0.7:8080']
  const key = '/rpc/UserService:1.0/10.0.0.7:8080'

  test('says which key, revisions and lease put an instance there', async () => {
    const { id } = await etcd.leaseGrant({ ttlSeconds: 60 })
    const value = valueOf('UserService', 8080)
    const created = await etcd.put({ key, value: 'first', lease: id })
    const modified = await etcd.put({ key, value, lease: id })
    await etcd.put({ key: 'another', value: '', lease: id })
    const words = await ming('explain', ...address)
    expect(words).toMatchObject({ code: 0, stderr: '' })
    expect(words.stdout).toContain(value)
    expect(words.stdout).toContain(`at revision ${created.header.revision}\n`)
    expect(words.stdout).toContain(`at revision ${modified.header.revision}, version 2`)
    expect(words.stdout).toMatch(
      new RegExp(`${leaseIdToHex(id)}, \\d+ s of 60 s left, 2 keys share it`),
    )
    const data = await ming('--output', 'json', 'explain', ...address)
    expect(json(data.stdout)).toMatchObject([
      {
        key,
        value,
        createRevision: created.header.revision,
        modRevision: modified.header.revision,
        version: '2',
        lease: { id: leaseIdToHex(id), grantedTtl: 60, keys: 2 },
        undecodable: null,
      },
    ])
  })

  test('says what will never expire, what cannot be read, and what is not there', async () => {
    await etcd.put({ key, value: '[]' })
    const words = await ming('explain', ...address)
    expect(words.code).toBe(0)
    expect(words.stdout).toContain('No lease: will never expire.')
    expect(words.stdout).toContain('Consumers skip it: the value is an array')
    const absent = await ming('explain', 'UserService', '10.0.0.7:9', '--output', 'json')
    expect(absent).toMatchObject({ code: 1, stdout: '' })
    expect(json(absent.stderr)).toMatchObject([{ code: 'NOT_REGISTERED' }])
  })
})

describe('snapshot', () => {
  const key = '/rpc/UserService:1.0/10.0.0.7:8080'

  test('shows every key of one revision, now and as it was', async () => {
    const lease = await putInstance('UserService', 8080)
    await putInstance('OrderService', 9090)
    const { header: full } = await etcd.put({ key: '/rpc/stray', value: 'x' })
    await etcd.deleteRange({ key })

    const now = await ming('snapshot')
    expect(now).toMatchObject({ code: 0, stderr: '' })
    expect(now.stdout).toMatch(/OrderService:1\.0 +10\.0\.0\.7:9090 +\d+ +[0-9a-f]+/)
    expect(now.stdout).toMatch(/\/rpc\/stray +\d+ +none: never expires +\S/)
    expect(now.stdout).not.toContain('UserService')
    expect(now.stdout).toMatch(/\n2 keys at revision \d+\.\n$/)

    const then = await ming('--output', 'json', 'snapshot', '--rev', full.revision)
    expect(json(then.stdout)).toMatchObject([
      {
        revision: full.revision,
        count: 3,
        keys: [
          { key: '/rpc/OrderService:1.0/10.0.0.7:9090', undecodable: null },
          { key, value: valueOf('UserService', 8080), lease: leaseIdToHex(lease) },
          { key: '/rpc/stray', value: 'x', lease: null, undecodable: matching(/\S/) },
        ],
      },
    ])
  })

  test('says so when the revision is none, is compacted away, or has not come yet', async () => {
    const none = await ming('snapshot', '--rev', 'yesterday')
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toContain('--rev wants a revision')
    const { header } = await etcd.put({ key: '/rpc/stray', value: 'x' })
    await etcd.put({ key: '/rpc/stray', value: 'y' })
    const next = (await etcd.put({ key: '/rpc/stray', value: 'z' })).header.revision
    await compact(cluster.endpoints[0] ?? '', next)
    const gone = await ming('snapshot', '--rev', header.revision, '--output', 'json')
    expect(json(gone.stderr)).toMatchObject([{ code: 'COMPACTED' }])
    const early = await ming('snapshot', '--rev', '9000000000')
    expect(early).toMatchObject({ code: 2, stdout: '' })
    expect(early.stderr).toContain('has not come to revision 9000000000')
  })
})

describe('doctor', () => {
  const findings = async (...args: string[]) => {
    const end = await ming('--output', 'json', ...args, 'doctor')
    const [report] = json(end.stdout) as [{ healthy: boolean; findings: { kind: string }[] }]
    return { ...report, code: end.code }
  }

  test('finds nothing in a healthy registry and ends with 0', async () => {
    await putInstance('UserService', 8080)
    const end = await ming('doctor')
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toBe('All is well: 1 key under /rpc/, 1 lease, 3 endpoints.\n')
  })

  test('finds each fault and names the command that mends it, which does', async () => {
    await etcd.put({ key: '/rpc/Ghost:1.0/10.0.0.7:1', value: valueOf('Ghost', 1) })
    const { id: lease } = await etcd.leaseGrant({ ttlSeconds: 60 })
    const leased = (key: string, value: string) => etcd.put({ key, value, lease })
    await leased('/rpc/Broken:1.0/10.0.0.7:1', 'no JSON')
    await leased("/rpc/it's outside", 'x')
    await leased('/rpc/UserService:1.0/10.0.0.7:8080', valueOf('UserService', 8080))
    await leased('/rpc/Other:1.0/10.0.0.7:1', valueOf('UserService', 8080))
    const { id: orphan } = await etcd.leaseGrant({ ttlSeconds: 60 })

    const { code, healthy, findings: found } = await findings()
    expect({ code, healthy }).toEqual({ code: 1, healthy: false })
    const etcdctl = `etcdctl --endpoints=${endpoints}`
    expect(found).toMatchObject([
      { kind: 'undecodable', key: '/rpc/Broken:1.0/10.0.0.7:1', reason: 'the value is not JSON' },
      { kind: 'ghost', remedies: ['ming deregister Ghost:1.0 10.0.0.7:1'] },
      {
        kind: 'mismatch',
        key: '/rpc/Other:1.0/10.0.0.7:1',
        valueKey: '/rpc/UserService:1.0/10.0.0.7:8080',
      },
      { kind: 'foreign-key', remedies: [{}, `${etcdctl} del '/rpc/it'\\''s outside'`] },
      { kind: 'orphan-lease', remedies: [`${etcdctl} lease revoke ${leaseIdToHex(orphan)}`] },
    ])

    const words = await ming('doctor')
    expect(words.code).toBe(1)
    expect(words.stdout).toContain('It may belong to another user of this etcd')
    expect(words.stdout).toContain('5 findings in 5 keys under /rpc/, 2 leases, 3 endpoints.')

    expect((await ming('deregister', 'Ghost:1.0', '10.0.0.7:1')).code).toBe(0)
    for (const { remedies } of found as unknown as { remedies: string[] }[]) {
      const remedy = remedies.at(-1) ?? ''
      if (remedy.startsWith('etcdctl')) await runInShell(remedy)
    }
    expect(await findings()).toMatchObject({ code: 0, healthy: true, findings: [] })
  })

  test('finds a lease with more than a thousand keys', async () => {
    const { id: lease } = await etcd.leaseGrant({ ttlSeconds: 60 })
    for (let batch = 0; batch < 10; batch += 1) {
      const success = Array.from({ length: 101 }, (_, index) => ({
        put: { key: `full/${batch}/${index}`, value: '', lease },
      }))
      await etcd.txn({ compare: [], success })
    }
    expect(await findings()).toMatchObject({
      code: 1,
      findings: [{ kind: 'full-lease', lease: leaseIdToHex(lease), keys: 1010, remedies: [] }],
    })
  })

  test('finds an alarm, and an endpoint that does not answer', async () => {
    const connection = new EtcdConnection(cluster.endpoints[0] ?? '', { purpose: 'test' })
    const { memberId } = await (cluster.members[1]?.direct.status({ deadlineMs: 2000 }) ??
      Promise.reject(new Error('there is no second member')))
    const member = BigInt(`0x${memberId}`).toString()
    const alarm = (action: 'Activate' | 'Deactivate') =>
      connection.unary('Maintenance', 'alarm', { action, memberID: member, alarm: 'Nospace' }, 5000)
        .answer
    try {
      await alarm('Activate')
      const silent = 'http://127.0.0.1:1'
      const end = await runMing([
        '--endpoints',
        `${endpoints},${silent}`,
        '--output=json',
        'doctor',
      ])
      expect(end.code).toBe(1)
      expect(json(end.stdout)).toMatchObject([
        {
          findings: [
            {
              kind: 'alarm',
              alarm: 'NOSPACE',
              member: cluster.members[1]?.name,
              remedies: [
                matching(/ compaction \d+$/),
                matching(/ defrag$/),
                matching(/ alarm disarm$/),
              ],
            },
            { kind: 'silent-endpoint', endpoint: silent },
          ],
        },
      ])
    } finally {
      await alarm('Deactivate')
      connection.close()
    }
  })
})

describe('completion', () => {
  const complete = async (...words: string[]) => {
    const env = { MING_REGISTRY_ENDPOINTS: endpoints }
    const { stdout } = await runMing(['__complete', ...words], { env })
    return stdout.split('\n').map((line) => line.split('\t')[0])
  }

  test('knows commands, options, services, addresses and shells, and no command of a lab', async () => {
    await putInstance('UserService', 8080)
    const commands = await complete('')
    expect(commands).toEqual(expect.arrayContaining(['register', 'doctor', 'completion']))
    for (const absent of ['kill', 'etcdctl', 'clear', 'logs', 'cluster', '__complete']) {
      expect(commands).not.toContain(absent)
    }
    expect(await complete('--lang', 'en', '--out')).toEqual(['--output', ''])
    expect(await complete('--output', 'j')).toEqual(['json', ''])
    expect(await complete('--output', 'json', 'discover', '')).toEqual(['UserService', ''])
    expect(await complete('explain', 'UserService', '')).toEqual(['10.0.0.7:8080', ''])
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish', ''])
  })

  describe('in bash', () => {
    /** What Tab puts in at the end of each line; a test hears of it through the words it becomes. */
    const inBash = async (script: string) => {
      const { stdout: completion } = await runMing(['completion', 'bash'])
      await expect(bash(['-n'], completion)).resolves.toBe('')
      return bash(
        [],
        `export MING_REGISTRY_ENDPOINTS='${endpoints}'
        # As bash sets it when it is interactive.
        COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
        ming() { '${process.execPath}' '${cli}' "$@"; }
        ${completion}
        tab() { COMP_LINE="$1" COMP_POINT=\${#1}; _ming; }
        ${script}`,
      )
    }
    const tab = (line: string) => inBash(`tab '${line}'; printf '%s\\n' "\${COMPREPLY[@]}"`)

    test('puts whole services and addresses in, colons and all', async () => {
      await putInstance('UserService', 8080)
      await putInstance('pay@home', 8080)
      expect(await tab('ming dereg')).toBe('deregister\n')
      expect(await tab('ming discover UserService:')).toBe('1.0\n')
      expect(await tab('ming explain UserService 10.0.0.7:80')).toBe('8080\n')
      expect(await tab('ming discover pay@h')).toBe('home\n')
    })

    test('puts in what bash reads as that very service, whatever etcd holds', async () => {
      const names = [
        'a;echo pwned',
        'b$(echo${IFS}pwned)',
        'c`echo pwned`',
        `d'$(echo pwned)"`,
        'e f',
        '~',
        '中',
      ]
      for (const name of names) await etcd.put({ key: `/rpc/${name}:1.0/10.0.0.7:8080`, value: '' })
      const read = await inBash(`tab 'ming discover '
        for one in "\${COMPREPLY[@]}"; do eval "printf '%s\\n' $one"; done`)
      expect(read.trimEnd().split('\n').toSorted()).toEqual(names.toSorted())
      expect(await tab('ming discover e\\ ')).toBe('e\\ f\n')
      expect(await tab('ming discover "e')).toBe('\n')
    })
  })

  /** `ming` on a PATH that an interactive shell can search. */
  async function mingOnPath(): Promise<string> {
    const folder = await temporaryFolder()
    const program = `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`
    await writeFile(path.join(folder, 'ming'), program, { mode: 0o755 })
    return folder
  }

  test.runIf(mustRun('fish'))('in fish offers whole services and addresses', async () => {
    await putInstance('UserService', 8080)
    await putInstance('e f', 8080)
    const folder = await mingOnPath()
    const asked = ['ming dereg', 'ming discover Us', 'ming explain UserService 10.0.0.7:80']
    const script = `set -x PATH '${folder}' $PATH
      set -x MING_REGISTRY_ENDPOINTS '${endpoints}'
      ming completion fish | source
      for line in ${[...asked, 'ming discover e'].map((line) => `'${line}'`).join(' ')}
        complete -C $line
      end`
    const lines = (await feed('fish', ['--no-config', '-c', script])).trim().split('\n')
    expect(lines.map((line) => line.split('\t')[0])).toEqual([
      'deregister',
      'UserService',
      '10.0.0.7:8080',
      'e f',
    ])
  })

  test.runIf(mustRun('zsh'))('in zsh puts whole services and addresses in, quoted', async () => {
    await putInstance('UserService', 8080)
    await putInstance('e f', 8080)
    const folder = await mingOnPath()
    // zsh completes only what is typed on a terminal: an inner one has one of its own.
    const type = (line: string, wanted: string) => `
      zpty -w -n inner '${line}'$'\t'
      zpty -r inner seen '*${wanted}*' && print -r -- '${wanted}'
      zpty -w -n inner $'\x15'`
    const script = `zmodload zsh/zpty
      export PATH='${folder}':"$PATH" MING_REGISTRY_ENDPOINTS='${endpoints}' TERM=dumb
      zpty inner zsh -f -i
      zpty -w inner 'autoload -Uz compinit; compinit -u -d ${folder}/dump; source <(ming completion zsh); print rea""dy'
      zpty -r inner seen '*ready*'
      ${type('ming dereg', 'ming deregister ')}
      ${type('ming discover Us', 'ming discover UserService ')}
      ${type('ming explain UserService 10.0.0.7:80', 'ming explain UserService 10.0.0.7:8080 ')}
      ${type('ming discover e', String.raw`ming discover e\\ f `)}
      zpty -d inner`
    expect((await feed('zsh', ['-f'], script)).trim().split('\n')).toEqual([
      'ming deregister ',
      'ming discover UserService ',
      'ming explain UserService 10.0.0.7:8080 ',
      String.raw`ming discover e\\ f`,
    ])
  })
})

describe('settings of the registry', () => {
  let folder: string
  let authority: Authority
  let server: Identity
  let secured: PlainEtcd
  let guarded: PlainEtcd

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), 'lab-ming-')))
    authority = await createAuthority(folder, 'authority')
    server = await authority.sign('server', { names: [{ type: 'ip', value: '127.0.0.1' }] })
    const flags = ['--client-cert-auth', `--trusted-ca-file=${authority.certFile}`]
    const started = [startPlainEtcd({ tls: server, flags }), startPlainEtcd()] as const
    ;[secured, guarded] = await Promise.all(started)
    await enableAuth(guarded)
  })

  afterAll(async () => {
    await Promise.all([secured.close(), guarded.close()])
    await rm(folder, { recursive: true, force: true })
  })

  async function writeConfig(text: string): Promise<string> {
    const file = path.join(await temporaryFolder(), 'ming.yaml')
    await writeFile(file, text)
    return file
  }

  test('lead through TLS with a certificate of our own, each endpoint too', async () => {
    const client = await authority.sign('client')
    const address = secured.tlsEndpoints.join().replace('https://', '')
    const trust = ['--endpoints', address, '--ca-file', authority.certFile]
    const own = ['--cert-file', client.certFile, '--key-file', client.keyFile]
    const provider = startMing([...trust, ...own, 'register', 'UserService', '127.0.0.1:8080'])
    await said(provider, 'Registered')
    const [found, members, refused] = await Promise.all([
      runMing([...trust, ...own, '--output=json', 'discover', 'UserService']),
      runMing([...trust, ...own, '--output=json', 'endpoints']),
      runMing([...trust, '--timeout', '900', 'discover', 'UserService']),
    ])
    expect(json(found.stdout)).toMatchObject([{ instances: [{ servicePort: 8080 }] }])
    expect(json(members.stdout)).toMatchObject([{ endpoints: [{ member: 'm1', answers: true }] }])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/certificate required|bad certificate/)
    provider.signal('SIGTERM')
    expect(await provider.ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('name a user, whose password may come from the environment', async () => {
    const as = ['--endpoints', guarded.endpoints.join(), '--user']
    const provider = startMing([...as, 'ming:ming', 'register', 'UserService', '127.0.0.1:8080'])
    await said(provider, 'Registered')
    const env = { MING_REGISTRY_PASSWORD: 'ming' }
    const [found, members, refused] = await Promise.all([
      runMing([...as, 'ming', '--output=json', 'discover', 'UserService'], { env }),
      runMing([...as, 'root:root', '--output=json', 'endpoints']),
      runMing([...as, 'ming:wrong', '--output=json', 'discover', 'UserService'], { env }),
    ])
    expect(json(found.stdout)).toMatchObject([{ instances: [{ servicePort: 8080 }] }])
    expect(json(members.stdout)).toMatchObject([{ endpoints: [{ member: 'm1', answers: true }] }])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(json(refused.stderr)).toMatchObject([{ code: 'ETCD_REFUSED' }])
    provider.signal('SIGTERM')
    expect(await provider.ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('name a user to whom a member refuses its status, which is not called silent', async () => {
    const [endpoint = ''] = guarded.endpoints
    const as = ['--endpoints', endpoint, '--user', 'ming:ming']
    const words = await runMing([...as, 'endpoints'])
    expect(words.code).toBe(1)
    expect(words.stdout).toMatch(/ refuses\n$/)
    expect(words.stderr).toContain(`${endpoint} answers, but refuses Status to this user`)
    expect(words.stderr).toContain('--user <name>')
    const chinese = await runMing([...as, '--lang', 'zh-CN', 'endpoints'])
    expect(chinese.stderr).toContain('不允许当前用户查询状态')
    const data = await runMing([...as, '--output', 'json', 'endpoints'])
    expect(json(data.stdout)).toMatchObject([
      { endpoints: [{ endpoint, answers: false, code: 'ETCD_REFUSED' }] },
    ])
    const doctor = await runMing([...as, 'doctor'])
    expect(doctor.stdout).toContain('answers, but refuses Status to this user. etcdserver: ')
    expect(doctor.stdout).toContain('MING_REGISTRY_USERNAME')
    expect(doctor.stdout).not.toContain('No answer')
    const findings = await runMing([...as, '--output', 'json', 'doctor'])
    expect(json(findings.stdout)).toMatchObject([
      { findings: [{ kind: 'refusing-endpoint', endpoint, remedies: [] }] },
    ])
  })

  test('are read from a file in the shape that the Java side binds', async () => {
    const address = guarded.endpoints.join()
    const java = `rpc:\n  registryConfig: { registry: etcd, address: '${address}', username: ming, password: ming, timeout: 4000 }\n`
    const file = await writeConfig(java)
    const found = await runMing(['services', '--config', file, '--output', 'json'])
    expect(found).toMatchObject({ code: 0, stderr: '' })
    const env = { MING_REGISTRY_PASSWORD: 'wrong' }
    expect(await runMing(['services', '--config', file], { env })).toMatchObject({ code: 1 })
  })

  test('give a registration its lease, unless the command asks for another', async () => {
    const env = { MING_REGISTRY_ENDPOINTS: endpoints, MING_REGISTRY_TTL_SECONDS: '45' }
    const set = startMing(['register', 'UserService', '127.0.0.1:8080'], { env })
    const asked = startMing(['register', 'S', 'h:1', '--ttl', '20'], { env })
    await Promise.all([said(set, 'TTL 45 s'), said(asked, 'TTL 20 s')])
    const { ids } = await etcd.leases()
    const leases = await Promise.all(ids.map((id) => etcd.leaseTimeToLive(id)))
    expect(leases.map(({ grantedTtl }) => grantedTtl).toSorted()).toEqual([20, 45])
    expect((await runMing(['help', 'register'], { env })).stdout).toContain('(default: 45)')
    for (const running of [set, asked]) running.signal('SIGTERM')
    expect((await set.ended).stdout).not.toContain('instead of')
    await asked.ended
  })

  test('that work but may surprise are told of, and the command runs', async () => {
    const file = await writeConfig('rpc: { registryConfig: { address: "http://localhost:2380" } }')
    const end = await runMing(['--config', file, 'help'])
    expect(end.code).toBe(0)
    expect(end.stderr).toContain("localhost:2380: port 2380 is where etcd's members talk")
    const data = await runMing(['--config', file, '--output', 'json', '--lang', 'zh-CN', 'help'])
    expect(json(data.stderr)).toEqual([{ warning: matching(/^设置提醒：localhost:2380: /) }])
  })

  test('that cannot be used are all named at once, whoever gave them', async () => {
    const file = await writeConfig('rpc: { registry: { type: zookeeper, adress: a } }')
    const args = ['--config', file, '--endpoints', 'http://a/b', '--user', 'ming', 'services']
    const env = { MING_REGISTRY_GUARD_MS: 'long', MING_REGISTRY_ENDPOINT: 'a' }
    const end = await runMing(args, { env })
    expect(end).toMatchObject({ code: 2, stdout: '' })
    const [first, ...problems] = end.stderr.trim().split('\n')
    expect(first).toBe('6 settings of the registry cannot be used:')
    expect(problems.map((problem) => problem.trim().split(': expected')[0])).toEqual([
      '--endpoints',
      'MING_REGISTRY_GUARD_MS',
      'MING_REGISTRY_ENDPOINT',
      `${file} rpc.registry.type`,
      `${file} rpc.registry.adress`,
      'password',
    ])
    const data = await runMing(['--output', 'json', ...args], { env })
    expect(data).toMatchObject({ code: 2, stdout: '' })
    expect(json(data.stderr)).toMatchObject([{ code: 'CONFIG' }])
  })
})

describe('misuse and misfortune', () => {
  const closed = ['--endpoints', '127.0.0.1:1', '--timeout', '600']

  test('an etcd that is not there is a clear error, in words and as JSON, in bounded time', async () => {
    const begin = performance.now()
    const [words, data] = await Promise.all([
      runMing([...closed, 'discover', 'S']),
      runMing([...closed, 'discover', 'S', '--output', 'json']),
    ])
    expect(performance.now() - begin).toBeLessThan(15_000)
    expect(words).toMatchObject({ code: 1, stdout: '' })
    expect(words.stderr).toContain('etcd did not answer at http://127.0.0.1:1.')
    expect(data).toMatchObject({ code: 1, stdout: '' })
    expect(json(data.stderr)).toEqual([
      {
        code: matching(/^(?:TIMEOUT|UNAVAILABLE)$/),
        message: matching(/127\.0\.0\.1:1/),
      },
    ])
  })

  test('a command without a quorum says that it waits for one, and Ctrl-C ends the wait', async () => {
    const lost = cluster.members.slice(0, 2)
    await Promise.all(lost.map(({ name }) => cluster.kill(name)))
    try {
      const lines = [
        ['discover', 'S'],
        ['watch', 'S'],
        ['register', 'S', 'h:1'],
        ['--lang', 'zh-CN', 'services'],
      ]
      const waiting = lines.map((line) => start('--timeout', '60000', ...line))
      for (const running of waiting) {
        await waitFor(
          'the reason',
          () => /quorum|法定多数/.test(running.stderr()) || running.stderr(),
        )
        running.signal('SIGINT')
      }
      for (const running of waiting) {
        const end = await running.ended
        expect(end).toMatchObject({ code: 130, stdout: '' })
        expect(end.stderr.trim().split('\n')).toHaveLength(1)
      }
    } finally {
      await cluster.heal()
    }
  })

  test('a registration that fails says so once, whatever it tried and took back', async () => {
    const end = await runMing([...closed, 'register', 'S', 'h:1', '--output', 'json'])
    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(json(end.stderr)).toEqual([
      {
        code: matching(/^(?:TIMEOUT|UNAVAILABLE)$/),
        message: matching(/^etcd did not answer at http:\/\/127\.0\.0\.1:1\./),
      },
    ])
  })

  test('an etcd that is not there is one finding of doctor, which counts nothing', async () => {
    const [english, chinese, data] = await Promise.all([
      runMing([...closed, 'doctor']),
      runMing([...closed, '--lang', 'zh-CN', 'doctor']),
      runMing([...closed, '--output', 'json', 'doctor']),
    ])
    expect(english).toMatchObject({ code: 1, stderr: '' })
    expect(english.stdout).toBe(
      'etcd did not answer at http://127.0.0.1:1. Is it there? --endpoints or MING_REGISTRY_ENDPOINTS names another one.\n1 finding in 1 endpoint; keys and leases not read.\n',
    )
    expect(chinese.stdout).toBe(
      'etcd 在 http://127.0.0.1:1 没有应答。它在那里吗？可以用 --endpoints 或 MING_REGISTRY_ENDPOINTS 指定别的地址。\n发现 1 个问题；检查了 1 个端点，键和租约没有读到。\n',
    )
    expect(json(data.stdout)).toMatchObject([
      {
        healthy: false,
        revision: null,
        checked: { keys: null, leases: null, endpoints: 1 },
        findings: [{ kind: 'unreachable', reason: matching(/ECONNREFUSED/) }],
      },
    ])
  })

  test.each([
    [['--ouput', 'json', 'services'], 'Did you mean --output?'],
    [['--output', 'xml', 'services'], '--output is "xml", expected one of: text, json.'],
    [['services', '--timeout', 'soon'], '--timeout: expected a whole number of milliseconds'],
    [['--endpoints', 'http://a/b', 'services'], '--endpoints: expected host:port'],
    [['--key-file', 'k.pem', 'services'], 'tls.certFile: expected a value to go with --key-file'],
    [['--ca-file', '/no/such.pem', 'services'], 'tls.caFile /no/such.pem: expected a file with'],
    [['--config', '/no/such.yaml', 'services'], 'The file of --config cannot be read: ENOENT'],
    [['register', 'S', 'h:1', '--tll', '5'], 'Did you mean --ttl?'],
    [['discover'], 'Usage: ming discover <service[:version]>'],
    [['discover', 'a:b:c'], 'there is more than one ":"'],
    [['kill', 'leader'], 'There is no command "kill"'],
    [['completion', 'tcsh'], 'bash, zsh, fish'],
  ])('%j is wrong usage and says what was expected', async (args, words) => {
    const end = await runMing(args)
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toContain(words)
  })

  test('wrong usage is one JSON object for a program that asked for JSON', async () => {
    const end = await runMing(['--output', 'json', 'discover'])
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(json(end.stderr)).toMatchObject([{ code: 'USAGE' }])
  })

  test('help and version need no etcd, and speak the language of the shell', async () => {
    const env = { LC_ALL: 'zh_CN.UTF-8' }
    const ends: MingEnd[] = await Promise.all([
      runMing(['--version']),
      runMing(['help', 'doctor'], { env }),
      runMing(['--lang', 'en', 'doctor', '--help'], { env }),
    ])
    expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      ends.map(() => ({ code: 0, stderr: '' })),
    )
    const [version, chinese, english] = ends
    expect(version?.stdout).toMatch(/^ming \d+\.\d+\.\d+\n$/)
    expect(chinese?.stdout).toContain('用法：ming doctor')
    expect(english?.stdout).toContain('Usage: ming doctor')
  })
})

/** A shell that is not installed is skipped, and shown as skipped; where CI runs it has to be there. */
function mustRun(shell: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const isInstalled = folders.some((folder) => existsSync(path.join(folder, shell)))
  return isInstalled || process.env['CI'] === 'true'
}

/** What a shell prints for a script on its standard input. */
async function feed(program: string, args: readonly string[], script = ''): Promise<string> {
  const running = promisify(execFile)(program, args, { timeout: 60_000 })
  running.child.stdin?.end(script)
  return (await running).stdout
}

function bash(args: readonly string[], script: string): Promise<string> {
  return feed('bash', [...args], script)
}

/** As a reader would: types it into a shell. */
function runInShell(command: string): Promise<string> {
  return bash([], `PATH='${path.dirname(etcdUnderTest())}':"$PATH"; set -e; ${command}`)
}
