import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { allCommands } from '../../lab-server/shell/command-table.ts'
import {
  etcdctlProcesses,
  startShellLab,
  waitForText,
  type ShellLab,
} from '../helpers/shell-lab.ts'
import { etcdUnderTest } from '../helpers/test-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

let lab: ShellLab

beforeAll(async () => {
  lab = await startShellLab()
})

afterAll(async () => {
  await lab.close()
})

const noEtcdctlLeft = () =>
  waitFor('every etcdctl to be gone', async () => {
    const left = await etcdctlProcesses(lab.labDir)
    return left.length === 0 || left.join('; ')
  })

describe('register, discover, services, deregister', () => {
  test('before anything is registered, every list says so and how to begin', async () => {
    const services = await lab.run('services')
    expect(services).toMatchObject({ code: 0, error: null, err: '' })
    expect(services.out).toContain('No service is registered')
    const discover = await lab.run('discover UserService')
    expect(discover.code).toBe(0)
    expect(discover.out).toContain('UserService has no instance')
    expect(discover.out).toContain('register UserService 127.0.0.1:8080')
    const lease = await lab.run('lease')
    expect(lease.out).toContain('There is no lease')
  })

  test('a registered instance is found, with its lease, by service and version', async () => {
    const registered = await lab.run('register UserService 127.0.0.1:8080')
    expect(registered).toMatchObject({ code: 0, error: null, err: '' })
    expect(registered.out).toMatch(
      /Registered UserService 127\.0\.0\.1:8080: lease [0-9a-f]+, TTL 30 s/,
    )
    expect(registered.out).toContain('Next: discover UserService')
    const second = await lab.run('register UserService:2.0 [::1]:8081 --group blue --ttl 20')
    expect(second.out).toContain('Registered UserService:2.0 [::1]:8081')
    expect(second.out).toContain('TTL 20 s')

    const found = await lab.run('discover UserService')
    expect(found.out).toMatch(/127\.0\.0\.1:8080 +default +\d+ +[0-9a-f]+\n/)
    expect(found.out).toMatch(/UserService: 1 instance at revision \d+\./)
    const newer = await lab.run('discover UserService --version 2.0')
    expect(newer.out).toMatch(/\[::1\]:8081 +blue/)

    const services = await lab.run('services')
    expect(services.out).toMatch(/UserService:1\.0 +1\nUserService:2\.0 +1\n2 services at revision/)
  })

  test('leases are listed and shown with their keys, by either spelling of the id', async () => {
    const list = await lab.run('lease')
    expect(list.out).toContain('2 leases')
    const id = /^([0-9a-f]+) +\d+ s +30 s +1$/m.exec(list.out)?.[1]
    expect(id).toBeDefined()
    const one = await lab.run(`lease ${id}`)
    expect(one.code).toBe(0)
    expect(one.out).toMatch(/Remaining \d+ s of 30 s/)
    expect(one.out).toContain('/rpc/UserService:1.0/127.0.0.1:8080')
    const decimal = /decimal (\d+)/.exec(one.out)?.[1]
    expect((await lab.run(`lease ${decimal}`)).out).toContain('/rpc/UserService:1.0/')

    const unknown = await lab.run('lease 1234abcd')
    expect(unknown).toMatchObject({ code: 1, error: { code: 'LEASE_LOST' } })
    const malformed = await lab.run('lease nonsense')
    expect(malformed).toMatchObject({ code: 2, error: { code: 'USAGE' } })
    expect(malformed.err).toContain('expected hexadecimal digits')
  })

  test('a deregistered instance is gone, and a second time it was not there', async () => {
    const gone = await lab.run('deregister UserService:2.0 [::1]:8081')
    expect(gone).toMatchObject({ code: 0, err: '' })
    expect(gone.out).toContain('the lab no longer renews it')
    expect((await lab.run('discover UserService:2.0')).out).toContain('has no instance')
    const again = await lab.run('deregister UserService:2.0 [::1]:8081')
    expect(again).toMatchObject({ code: 1, error: { code: 'NOT_REGISTERED' } })
  })

  test('an instance that somebody else wrote is removed, and the words say whose it was', async () => {
    const value =
      '{"serviceName":"Foreign","serviceVersion":"1.0","serviceHost":"h","servicePort":1}'
    await lab.run(`etcdctl put /rpc/Foreign:1.0/h:1 '${value}'`)
    expect((await lab.run('discover Foreign')).out).toMatch(
      /h:1 +default +\d+ +none: never expires/,
    )
    const gone = await lab.run('deregister Foreign h:1')
    expect(gone).toMatchObject({ code: 0 })
    expect(gone.out).toContain('This lab had not registered it')
  })

  test('a value that cannot be read is skipped and reported, hostile text made visible', async () => {
    await lab.run(`etcdctl put /rpc/Broken:1.0/h:1 'no JSON'`)
    const found = await lab.run('discover Broken')
    expect(found.code).toBe(0)
    expect(found.err).toContain('Skipped /rpc/Broken:1.0/h:1')
    await lab.run('etcdctl del /rpc/Broken --prefix')
  })

  test('explain and doctor say where an instance comes from and what is wrong, in both languages', async () => {
    const key = '/rpc/Ghost:1.0/h:1'
    const value = '{"serviceName":"Ghost","serviceVersion":"1.0","serviceHost":"h","servicePort":1}'
    await lab.run(`etcdctl put ${key} '${value}'`)
    const explained = await lab.run('explain Ghost h:1')
    expect(explained).toMatchObject({ code: 0, err: '' })
    expect(explained.out).toContain(`Key       ${key}\n`)
    expect(explained.out).toContain('No lease: will never expire.')
    const found = await lab.run('doctor')
    expect(found).toMatchObject({ code: 1, error: null, err: '' })
    expect(found.out).toContain(`Ghost: ${key} has no lease`)
    const remedy = /^ {4}(deregister .*)$/m.exec(found.out)?.[1] ?? ''
    const chinese = await lab.run('doctor', { locale: 'zh-CN' })
    expect(chinese.out).toContain(`幽灵实例：${key} 没有租约，永不过期。`)
    expect((await lab.run(remedy)).code).toBe(0)
    expect((await lab.run('explain Ghost h:1', { locale: 'zh-CN' })).err).toContain(
      `etcd 里没有 ${key}。`,
    )
    expect((await lab.run('doctor')).out).not.toContain(key)
  })

  test.each([
    ['register', 'USAGE', 'Usage: register <service[:version]> <host:port>'],
    ['register UserService', 'USAGE', 'Example: register UserService 127.0.0.1:8080'],
    ['register UserService 127.0.0.1:8080 --tll 5', 'USAGE', 'Did you mean --ttl?'],
    ['register A:1 b:1 --version 2', 'USAGE', 'The version is given twice'],
    ['register UserService 127.0.0.1', 'INVALID_INSTANCE', 'the port is missing'],
    ['register UserService 127.0.0.1:99999', 'INVALID_INSTANCE', 'from 1 to 65535'],
    ['register a/b 127.0.0.1:1', 'INVALID_INSTANCE', '/'],
    ['discover a:b:c', 'INVALID_INSTANCE', ':'],
  ])('%s is misuse and says what was expected', async (line, code, words) => {
    const result = await lab.run(line)
    expect(result).toMatchObject({ code: 2, out: '', error: { code } })
    expect(result.err).toContain(words)
  })

  test.each([
    [
      'register a/b 127.0.0.1:1',
      '“a/b”不是有效的服务写法：服务名“a/b”里不能有“/”',
      'UserService:1.0',
    ],
    ['discover a:b:c', '“a:b:c”不是有效的服务写法：冒号多于一个', 'UserService:1.0'],
    ['watch UserService:', '“UserService:”不是有效的服务写法：版本不能为空', 'UserService:1.0'],
    ['register S 127.0.0.1', '“127.0.0.1”不是有效的地址：缺少端口号', '127.0.0.1:8080'],
    ['register S 127.0.0.1:99999', '端口应为 1 到 65535 之间的整数', '127.0.0.1:8080'],
    ['register S ::1:80', 'IPv6 地址要先放进方括号，再写端口', '[::1]:8080'],
    ['deregister S http://h:1', '这里不写“http://”，也不带路径', '127.0.0.1:8080'],
    ['register S 300.1.1.1:1', '主机“300.1.1.1”不是有效的 IPv4 地址', '127.0.0.1:8080'],
    ["register S h:1 --group 'a b'", '没有注册：分组里有 U+0020', '不允许空白和不可见字符'],
    [`register S h:1 --group ${'g'.repeat(129)}`, '没有注册：分组有 129 个字符', '最多 128 个'],
  ])('%s is explained in Chinese alone to a Chinese reader', async (line, what, expected) => {
    const result = await lab.run(line, { locale: 'zh-CN', columns: 1000 })
    expect(result).toMatchObject({ code: 2, out: '', error: { code: 'INVALID_INSTANCE' } })
    expect(result.err).toContain(what)
    expect(result.err).toContain(expected)
    expect(result.err).not.toContain('原文')
    expect(result.err).not.toMatch(/[a-z]+ [a-z]+ [a-z]+/i)
  })
})

describe('watch', () => {
  test('shows what is there, then every change once, until Ctrl-C', async () => {
    const watch = lab.open('watch UserService')
    await waitForText(watch, 'Ctrl-C ends')
    expect(watch.text()).toContain('127.0.0.1:8080')
    await lab.run('register UserService 127.0.0.1:9000 --group blue')
    await waitForText(
      watch,
      /\d\d:\d\d:\d\d\.\d{3}Z {2}rev \d+ {2}\+ added {2}127\.0\.0\.1:9000 {2}group blue/,
    )
    await lab.run('deregister UserService 127.0.0.1:9000')
    await waitForText(watch, /rev \d+ {2}- removed {2}127\.0\.0\.1:9000/)
    watch.interrupt()
    const ended = await watch.ended
    expect(ended).toMatchObject({ code: 130, error: { code: 'INTERRUPTED' }, err: '' })
    expect(ended.out.match(/added/g)).toHaveLength(1)
    expect(ended.out.match(/removed/g)).toHaveLength(1)
  })
})

describe('completion', () => {
  const values = async (line: string) => {
    const { candidates } = await lab.shell.complete(line, line.length, 'en')
    return candidates.map((one) => one.value)
  }

  test('knows commands, members, roles, services, addresses, leases, flags and etcdctl', async () => {
    expect(await values('re')).toEqual(['register', 'resume'])
    expect(await values('kill ')).toEqual(['leader', 'follower', 'etcd1', 'etcd2', 'etcd3'])
    expect(await values('start etcd')).toEqual(['etcd1', 'etcd2', 'etcd3'])
    expect(await values('discover User')).toEqual(['UserService'])
    expect(await values('discover UserService:')).toEqual(['UserService:1.0'])
    expect(await values('deregister UserService ')).toEqual(['127.0.0.1:8080'])
    expect(await values('lease ')).toHaveLength(1)
    expect(await values('register A b:1 --t')).toEqual(['--ttl'])
    expect(await values('register A b:1 --ttl ')).toEqual([])
    expect(await values('help reg')).toEqual(['register'])
    expect(await values('etcdctl me')).toEqual(['member'])
    expect(await values('etcdctl member r')).toEqual(['remove'])
    expect(await values('etcdctl get --key')).toEqual(['--keys-only'])
    expect(await values('etcdctl get k --endpoints=etcd1,')).toContain('--endpoints=etcd1,etcd2')
    expect(await values('etcdctl get ')).toEqual([])
  })

  test('describes the leader by name, in both languages', async () => {
    const { candidates } = await lab.shell.complete('kill le', 7, 'zh-CN')
    expect(candidates[0]?.description).toMatch(/现在是 etcd\d/)
  })

  test('offers only names that can be typed back', async () => {
    const log = await lab.run(`etcdctl put "/rpc/My Service:1.0/h:1" x`)
    expect(log.code).toBe(0)
    expect(await values('discover My')).toEqual(["'My Service'"])
    await lab.run(`etcdctl del "/rpc/My Service:1.0/h:1"`)
  })
})

describe('cluster, endpoints, logs, version, clear, help', () => {
  test('cluster shows one leader, two followers and the quorum, in both languages', async () => {
    const { code, out } = await lab.run('cluster')
    expect(code).toBe(0)
    expect(out).toMatch(/^MEMBER +PROCESS +ROLE +TERM +REVISION +DB SIZE +VERSION/)
    expect(out.match(/ leader /g)).toHaveLength(1)
    expect(out.match(/ follower /g)).toHaveLength(2)
    expect(out).toContain('Quorum held: 3 of 3 members run, 2 needed.')
    const chinese = await lab.run('cluster', { locale: 'zh-CN' })
    expect(chinese.out).toContain('法定多数满足：3 个成员中有 3 个在运行，至少需要 2 个。')
  })

  test('cluster shows what members say now, not what they said a moment ago', async () => {
    const put = await lab.run('etcdctl put fresh 1 -w json')
    const revision = /"revision":(\d+)/.exec(put.out)?.[1] ?? 'none'
    const { out } = await lab.run('cluster')
    // The member that answered has it; the others may be applying it still.
    expect(out).toContain(` ${revision} `)
    await lab.run('etcdctl del fresh')
  })

  test('cluster becomes one record a member in a narrow terminal', async () => {
    const { out } = await lab.run('cluster', { columns: 30 })
    expect(out).toMatch(/^MEMBER: etcd1\nPROCESS: running\nROLE: (leader|follower)\nTERM: \d+/)
  })

  test('endpoints names each member and hides where the host keeps it', async () => {
    const { out } = await lab.run('endpoints')
    expect(out).toMatch(/etcd2 +unix:\/\/etcd2\.sock +running/)
    expect(out).not.toContain(lab.labDir)
  })

  test('logs shows the newest lines of a member or of whoever leads', async () => {
    const three = await lab.run('logs etcd1 -n 3')
    expect(three).toMatchObject({ code: 0, err: '' })
    expect(three.out.trimEnd().split('\n')).toHaveLength(3)
    expect((await lab.run('logs leader')).code).toBe(0)
    const unknown = await lab.run('logs etcd9')
    expect(unknown).toMatchObject({ code: 1, error: { code: 'NO_SUCH_MEMBER' } })
    expect((await lab.run('logs etcd9', { locale: 'zh-CN' })).err).toContain('没有成员 etcd9')
  })

  test('neither logs nor what etcdctl reports names a directory of the host', async () => {
    const { out } = await lab.run('logs etcd1 -n 500')
    expect(out).toContain('--data-dir=etcd1')
    const refused = await lab.run("etcdctl put '' v")
    expect(refused.err).toContain("Addr: 'etcd")
    for (const text of [out, refused.err]) {
      expect(text).not.toContain(lab.labDir)
      expect(text).not.toContain(etcdUnderTest())
    }
  })

  test('version names all three programs', async () => {
    const { out } = await lab.run('version')
    expect(out).toMatch(/lab +0\.1\.0\netcd +3\.\d+\.\d+\netcdctl +3\.\d+\.\d+/)
  })

  test('clear empties the terminal and writes nothing', async () => {
    expect(await lab.run('clear')).toEqual({ code: 0, error: null, out: '', err: '', clears: 1 })
  })

  test('help lists every command; each help page has usage and examples, in both languages', async () => {
    const { out } = await lab.run('help')
    const names = [...out.matchAll(/^ {2}(\S+) /gm)].map((match) => match[1] ?? '')
    expect(names).toContain('etcdctl')
    const here = allCommands().filter(({ requires }) => !requires.includes('program'))
    expect(names).toHaveLength(here.length)
    for (const name of names) {
      const page = await lab.run(`help ${name}`)
      expect(page.out).toContain(`Usage: ${name}`)
      const chinese = await lab.run(`help ${name}`, { locale: 'zh-CN' })
      expect(chinese.out).toContain(`用法：${name}`)
      expect(chinese.out).toMatch(/示例\n {2}/)
    }
  })
})

describe('etcdctl', () => {
  test('is the real one, on the reader’s own cluster', async () => {
    const put = await lab.run(`etcdctl put greeting '你好 world'`)
    expect(put).toMatchObject({ code: 0, out: 'OK\n', err: '' })
    expect((await lab.run('etcdctl get greeting')).out).toBe('greeting\n你好 world\n')
    expect((await lab.run('etcdctl get -w json greeting')).out).toContain('"kvs"')
    expect((await lab.run('etcdctl del greeting')).out).toBe('1\n')
    const members = await lab.run('etcdctl member list -w table')
    expect(members.out).toContain('etcd3')
    expect((await lab.run('etcdctl version')).out).toContain('etcdctl version: 3.')
  })

  test('asks all members, or the one that is named', async () => {
    const all = await lab.run('etcdctl endpoint status')
    expect(all.out.trimEnd().split('\n')).toHaveLength(3)
    const one = await lab.run('etcdctl endpoint status --endpoints=etcd2')
    expect(one.out).toMatch(/^unix:\/\/etcd2\.sock, /)
    expect(one.out.trimEnd().split('\n')).toHaveLength(1)
    expect(all.out).not.toContain(lab.labDir)
  })

  test('lists its sub-commands without arguments and shows etcdctl’s own help', async () => {
    const list = await lab.run('etcdctl')
    expect(list.out).toContain('lease timetolive')
    expect((await lab.run('etcdctl', { locale: 'zh-CN' })).out).toContain('可用的子命令')
    expect((await lab.run('etcdctl get --help')).out).toContain('etcdctl get [options]')
  })

  test('passes on the exit code and the words of etcdctl', async () => {
    const result = await lab.run('etcdctl get k --rev=99999999')
    expect(result.code).toBeGreaterThan(0)
    expect(result.error).toBeNull()
    expect(result.err).toContain('required revision is a future revision')
  })

  test('cannot send control sequences to the terminal', async () => {
    const value = Buffer.from('a\u001b[2J\u001b]0;x\u0007\u202eb\rc\u009b1m\u0000')
    await lab.client.put({ key: 'esc', value: Buffer.concat([value, Buffer.of(0xff)]) })
    const shown = 'a␛[2J␛]0;x␇\\u202eb␍c\\x9b1m␀\ufffd'
    expect((await lab.run('etcdctl get esc')).out).toBe(`esc\n${shown}\n`)
    await lab.run('etcdctl del esc')
    await lab.client.put({ key: '/rpc/\u001b[2J\n:1.0/h:1', value: '{}' })
    const services = await lab.run('services')
    expect(services.out).toContain('␛[2J␊:1.0')
    await lab.client.deleteRange({ prefix: '/rpc/\u001b' })
  })

  test('watch streams until Ctrl-C and leaves no process', async () => {
    const watch = lab.open('etcdctl watch --prefix /w/')
    await waitFor('the watch to see a key', async () => {
      await lab.run('etcdctl put /w/a 1')
      return watch.text().includes('PUT\n/w/a\n1\n') || JSON.stringify(watch.text())
    })
    expect(await etcdctlProcesses(lab.labDir)).toHaveLength(1)
    watch.interrupt()
    const ended = await watch.ended
    expect(ended).toMatchObject({ code: 130, error: { code: 'INTERRUPTED' } })
    await noEtcdctlLeft()
    await lab.run('etcdctl del /w/ --prefix')
  })

  test('lock gives its key back on Ctrl-C', async () => {
    const lock = lab.open('etcdctl lock door')
    await waitForText(lock, /^door\/[0-9a-f]+\n/)
    expect((await lab.run('etcdctl get door --prefix --count-only -w fields')).out).toContain(
      '"Count" : 1',
    )
    lock.interrupt()
    await lock.ended
    await waitFor('the lock to be free', async () => {
      const { out } = await lab.run('etcdctl get door --prefix --count-only -w fields')
      return out.includes('"Count" : 0') || out
    })
    await noEtcdctlLeft()
  })

  test.each([
    ['etcdctl snapshot save /tmp/x', 'NOT_ALLOWED'],
    ['etcdctl get k --cacert=/etc/passwd', 'NOT_ALLOWED'],
    ['etcdctl watch k -- touch /tmp/x', 'NOT_ALLOWED'],
    ['etcdctl lock l touch /tmp/x', 'NOT_ALLOWED'],
    ['etcdctl get k --endpoints=127.0.0.1:2379', 'NOT_ALLOWED'],
    ['etcdctl member add x --peer-urls=http://10.0.0.1:2380', 'NOT_ALLOWED'],
    ['etcdctl txn', 'STDIN_REFUSED'],
    ['etcdctl put k', 'STDIN_REFUSED'],
    ['etcdctl user passwd root', 'STDIN_REFUSED'],
    ['etcdctl get k | grep x', 'UNSUPPORTED_SYNTAX'],
  ])('%s is refused at once, in both languages', async (line, code) => {
    const english = await lab.run(line)
    expect(english).toMatchObject({ code: 2, out: '', error: { code } })
    const chinese = await lab.run(line, { locale: 'zh-CN' })
    expect(chinese.err).toMatch(/[\u4e00-\u9fff]/)
    expect(chinese.err).not.toContain(english.error?.message ?? '')
  })

  test('output beyond the limit ends it, and says how to ask for less', async () => {
    const value = 'x'.repeat(100_000)
    for (let index = 0; index < 12; index += 1) {
      await lab.client.put({ key: `/big/${String(index)}`, value })
    }
    const { code, error, out, err } = await lab.run('etcdctl get /big/ --prefix')
    expect({ code, error: error?.code }).toEqual({ code: 1, error: 'OUTPUT_LIMIT' })
    expect(out.length).toBe(1024 * 1024)
    expect(err).toContain('its output passed 1.0 MiB')
    expect(err).toContain('--keys-only')
    expect((await lab.run('etcdctl get /big/ --prefix --keys-only')).code).toBe(0)
    await lab.run('etcdctl del /big/ --prefix')
    await noEtcdctlLeft()
  })

  test('leaves nothing in the lab’s directory', async () => {
    await noEtcdctlLeft()
    const files = readdirSync(lab.labDir)
    expect(files.filter((name) => !/^etcd\d|:2380$/.test(name))).toEqual([])
  })

  test('auth locks out whoever names no user, and the cluster can be opened again', async () => {
    expect((await lab.run('etcdctl user add root:pw')).code).toBe(0)
    expect((await lab.run('etcdctl user grant-role root root')).code).toBe(0)
    expect((await lab.run('etcdctl auth enable')).code).toBe(0)
    expect((await lab.run('etcdctl get k')).err).toContain('user name is empty')
    expect((await lab.run('etcdctl get k --user root:pw')).code).toBe(0)
    expect((await lab.run('etcdctl get k --user root')).error?.code).toBe('STDIN_REFUSED')

    const discover = await lab.run('discover UserService', { locale: 'zh-CN' })
    expect(discover).toMatchObject({ code: 1, error: { code: 'ETCD_REFUSED' } })
    expect(discover.err).toContain('认证已开启')
    // That nobody may say who leads is not that nobody leads.
    const cluster = await lab.run('cluster')
    expect(cluster.out).toMatch(/etcd1 +running +refuses/)
    expect(cluster.out).toContain('Who leads cannot be seen')
    expect(cluster.out).not.toContain('No member leads')
    expect((await lab.run('kill leader')).err).toContain('auth disable')

    expect((await lab.run('etcdctl --user root:pw auth disable')).code).toBe(0)
    expect((await lab.run('cluster')).out).toMatch(/etcd\d +running +leader/)
    expect((await lab.run('etcdctl user delete root')).code).toBe(0)
  })
})

describe('faults', () => {
  beforeEach(async () => {
    await lab.heal()
  })

  const leaderNow = () => lab.monitor.waitForLeader({ timeoutMs: 10_000 })

  test('kill leader says who died, who leads now and what was measured', async () => {
    const before = await leaderNow()
    const { code, out, err } = await lab.run('kill leader')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`${before} was killed (SIGKILL); its process is gone.`)
    expect(out).toMatch(new RegExp(`${before} was the leader \\(term \\d+\\)`))
    const after = /New leader: (etcd\d) \(term \d+\)/.exec(out)?.[1]
    expect(after).toBe(await leaderNow())
    expect(after).not.toBe(before)
    const leaderless = Number(/Without a leader: (\d+) ms/.exec(out)?.[1])
    const gap = Number(/Without writes: (\d+) ms/.exec(out)?.[1])
    expect(leaderless).toBeGreaterThan(500)
    expect(gap).toBeGreaterThan(500)
    expect(out).toContain(`start ${before}`)

    const found = await lab.run('discover UserService')
    expect(found.out).toContain('127.0.0.1:8080')
    const back = await lab.run(`start ${before}`)
    expect(back.code).toBe(0)
    expect(back.out).toMatch(new RegExp(`${before} serves again after \\d+`))
    expect(back.out).toContain(`${after ?? ''} leads.`)
  })

  test('stop leader, in Chinese, hands over faster than an election takes', async () => {
    const { code, out } = await lab.run('stop leader', { locale: 'zh-CN' })
    expect(code).toBe(0)
    expect(out).toMatch(/etcd\d 已正常停止（SIGTERM）/)
    expect(out).toMatch(/新 leader：etcd\d/)
    expect(out).toContain('没有 leader 的时间：')
  })

  test('pause leader and resume', async () => {
    const before = await leaderNow()
    const { code, out } = await lab.run('pause leader')
    expect(code).toBe(0)
    expect(out).toContain(`${before} is paused (SIGSTOP)`)
    expect(out).toMatch(/New leader: etcd\d/)
    expect(out).toContain(`resume ${before}`)
    expect((await lab.run('cluster')).out).toMatch(new RegExp(`${before} +paused +no answer`))
    const resumed = await lab.run(`resume ${before}`)
    expect(resumed.code).toBe(0)
    expect(resumed.out).toContain('runs again (SIGCONT)')
  })

  test('kill follower leaves the leader alone', async () => {
    const leader = await leaderNow()
    const { code, out } = await lab.run('kill follower')
    expect(code).toBe(0)
    expect(out).toContain(`${leader} leads.`)
    expect(out).not.toContain('was the leader')
  })

  test('a second kill loses the quorum, and every answer explains it', async () => {
    await lab.run('kill follower')
    const second = await lab.run('kill leader')
    expect(second.code).toBe(0)
    expect(second.out).toContain('Quorum lost: 1 of 3 members run, 2 needed.')
    expect(second.out).toContain('refuses writes and linearizable reads')
    expect(second.out).toMatch(/Bring it back: start etcd\d, start etcd\d/)

    const status = await lab.run('cluster', { locale: 'zh-CN' })
    expect(status.out).toContain('法定多数丧失')
    const write = await lab.run('etcdctl put k v --command-timeout=1s')
    expect(write).toMatchObject({ code: 1, error: { code: 'QUORUM_LOST' } })
    const read = await lab.run('etcdctl get /rpc/ --prefix --consistency=s --keys-only')
    expect(read.out).toContain('/rpc/UserService:1.0/127.0.0.1:8080')
    const services = lab.open('services')
    expect(await services.ended).toMatchObject({ code: 1, error: { code: 'QUORUM_LOST' } })
    expect(services.text()).toContain('The cluster has no quorum')
    // Before that, the reader was told why nothing happened.
    expect(services.text()).toMatch(/^Quorum lost: 1 of 3[^]*Ctrl-C gives up\.\n/)
    expect(services.text()).not.toContain(lab.labDir)
    const leader = await lab.run('logs leader')
    expect(leader).toMatchObject({ code: 1, error: { code: 'NO_LEADER' } })

    const started = performance.now()
    expect((await lab.shell.complete('discover ', 9, 'en')).candidates).toEqual([])
    expect(performance.now() - started).toBeLessThan(1000)

    const discover = lab.open('discover UserService', { locale: 'zh-CN' })
    await waitForText(discover, '按 Ctrl-C 放弃')
    discover.interrupt()
    expect(await discover.ended).toMatchObject({ code: 130, error: { code: 'INTERRUPTED' } })
    expect(discover.text().match(/Ctrl-C/g)).toHaveLength(1)
  })

  /** The registry's own keys are the only paths that a reader is to see. */
  const hostPath = /(?<![\w/])\/(?!rpc\/)[\w.-]+\//

  test('doctor names the member that is silent, and no directory of the host', async () => {
    await lab.run('kill etcd1')
    const english = await lab.run('doctor')
    expect(english).toMatchObject({ code: 1, error: null, err: '' })
    expect(english.out).toContain('No answer from etcd1.\n    start etcd1\n')
    const chinese = await lab.run('doctor', { locale: 'zh-CN' })
    expect(chinese.out).toContain('etcd1 没有应答。\n    start etcd1\n')
    for (const { out } of [english, chinese]) {
      expect(out).not.toMatch(hostPath)
      expect(out).not.toContain(lab.labDir)
    }
  })

  test('doctor without a quorum names who is silent and what cannot be read', async () => {
    await lab.run('kill etcd1')
    await lab.run('pause etcd2')
    const [english, chinese] = await Promise.all([
      lab.run('doctor'),
      lab.run('doctor', { locale: 'zh-CN' }),
    ])
    expect(english).toMatchObject({ code: 1, error: null })
    expect(english.err).toMatch(/^Quorum lost: 1 of 3 .*Ctrl-C gives up\.\n$/)
    expect(chinese).toMatchObject({ code: 1, error: null })
    expect(chinese.err).toMatch(/^法定多数丧失.*按 Ctrl-C 放弃。\n$/)
    expect(english.out).toMatch(
      /^No answer from etcd1\.\n {4}start etcd1\n[^]*^No answer from etcd2\.\n {4}resume etcd2\n[^]*^The alarms could not be read: the cluster has no quorum\.\n[^]*^The keys under \/rpc\/ and their leases could not be read: the cluster has no quorum\.\n[^]* in 3 endpoints; keys and leases not read\.\n$/m,
    )
    expect(english.out.match(/Bring members back until there is a quorum/g)).toHaveLength(1)
    expect(chinese.out).toMatch(
      /^etcd1 没有应答。\n {4}start etcd1\n[^]*^etcd2 没有应答。\n {4}resume etcd2\n[^]*^读不到告警：集群没有法定多数。\n[^]*^读不到 \/rpc\/ 下的键和它们的租约：集群没有法定多数。\n[^]*检查了 3 个端点，键和租约没有读到。\n$/m,
    )
    expect(chinese.out).toContain('先让成员回来，凑够法定多数')
    for (const { out } of [english, chinese]) {
      expect(out).not.toMatch(hostPath)
      expect(out).not.toMatch(/last seen|connection|deadline/i)
    }
  })

  test('start and resume alone bring back every member that is missing, and no other', async () => {
    await lab.run('kill etcd1')
    await lab.run('stop etcd2')
    await lab.run('pause etcd3')
    const nobody = await lab.run('cluster')
    expect(nobody.out).toContain('Quorum lost: 0 of 3 members run, 2 needed.')
    expect(nobody.out).toContain('Bring it back: start etcd1, start etcd2, resume etcd3')
    const started = await lab.run('start')
    expect(started.code).toBe(0)
    expect(started.out).toMatch(/etcd1 serves again[^]*etcd2 serves again/)
    expect(started.out).not.toContain('etcd3 serves')
    expect((await lab.run('resume')).out).toContain('etcd3 runs again')
    expect((await lab.run('resume')).out).toContain('No member is paused.')
    expect((await lab.run('start')).out).toContain('Every member has been started already.')
  })

  test('start alone brings back whoever can come back, and says who cannot', async () => {
    await lab.run('kill etcd1')
    await lab.run('kill etcd2')
    const data = join(lab.labDir, 'etcd1')
    renameSync(data, `${data}.kept`)
    writeFileSync(data, 'not a directory')
    const { code, error, out, err } = await lab.run('start')
    rmSync(data)
    renameSync(`${data}.kept`, data)
    expect({ code, error }).toMatchObject({ code: 1, error: { code: 'MEMBER_START_FAILED' } })
    expect(err).toContain('etcd1 did not start')
    expect(err).toContain('"level":"fatal"')
    expect(out).toContain('etcd2 serves again')
  })

  test('Ctrl-C while measuring returns at once and the cluster goes on', async () => {
    const kill = lab.open('kill leader')
    await waitForText(kill, 'Measuring the failover')
    const started = performance.now()
    kill.interrupt()
    expect(await kill.ended).toMatchObject({ code: 130 })
    expect(performance.now() - started).toBeLessThan(200)
    expect(await leaderNow()).toMatch(/etcd\d/)
  })

  test.each([
    ['kill etcd9', 'NO_SUCH_MEMBER', 1],
    ['kill', 'USAGE', 2],
    ['kill leader now', 'USAGE', 2],
    ['start etcd1', 'MEMBER_STATE', 1],
    ['resume etcd1', 'MEMBER_STATE', 1],
  ])('%s is refused', async (line, code, exit) => {
    expect(await lab.run(line)).toMatchObject({ code: exit, error: { code } })
  })

  test('what is wrong with a member is said in the words of the reader', async () => {
    const misspelled = await lab.run('kill lader')
    expect(misspelled.err).toContain('There is no member lader; there are etcd1, etcd2, etcd3.')
    expect(misspelled.err).toContain('Did you mean leader?')
    expect((await lab.run('kill lader', { locale: 'zh-CN' })).err).toBe(
      '没有成员 lader，现有 etcd1、etcd2、etcd3。是不是 leader？\n',
    )
    expect((await lab.run('start etcd1')).err).toBe('Cannot start etcd1: it is running.\n')
    expect((await lab.run('start etcd1', { locale: 'zh-CN' })).err).toBe(
      '不能对 etcd1 执行 start：它当前的状态是“运行”。\n',
    )
  })
})

test('nothing that a reader did was unexpected', () => {
  expect(lab.log).toEqual([])
})
