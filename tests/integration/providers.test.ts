import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { processesNaming } from '../../lab-server/cluster/processes-naming.ts'
import { createProcessControl } from '../../lab-server/providers/process-control.ts'
import type { RegistryChange } from '../../lab-server/registry/registry.ts'
import { processRuns, sessionOf } from '../helpers/processes.ts'
import { startShellLab, waitForText, type ShellLab } from '../helpers/shell-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

let lab: ShellLab
let members: readonly number[]

beforeAll(async () => {
  lab = await startShellLab()
  members = await processesNaming(lab.labDir)
})
afterEach(async () => {
  // Each test leaves the next one neither processes nor keys.
  await lab.run('provider kill all')
  await lab.run('etcdctl del /rpc/ --prefix')
})
afterAll(() => lab.close())

const service = { name: 'UserService', version: '1.0' }

async function providerPids(): Promise<number[]> {
  return (await processesNaming(lab.labDir)).filter((pid) => !members.includes(pid))
}

function addressOf(name: string): string {
  return lab.providers.list().find((provider) => provider.name === name)?.address ?? ''
}

/** Names of those that run, oldest first. */
const names = () => lab.providers.list().map(({ name }) => name)

async function registered(): Promise<string[]> {
  const { instances } = await lab.registry.discover(service)
  return instances.map(({ instance }) => `${instance.serviceHost}:${instance.servicePort}`)
}

/** Everything a watch of the service sees from now on. */
async function watchService() {
  const abort = new AbortController()
  const { revision } = await lab.registry.discover(service)
  const changes: RegistryChange[] = []
  const follow = async () => {
    const options = { signal: abort.signal, fromRevision: revision }
    for await (const change of lab.registry.watch(service, options)) changes.push(change)
  }
  const done = follow()
  return {
    changes,
    until: (type: RegistryChange['type'], count = 1) =>
      waitFor(`${count} × ${type}`, () => {
        const seen = changes.map((change) => change.type)
        return seen.filter((one) => one === type).length >= count || seen.join()
      }),
    stop: async () => {
      abort.abort()
      await done
    },
  }
}

/** A program that is no provider and notes who knocks. */
async function startStranger(
  port = 0,
): Promise<{ server: Server; port: number; visits: string[] }> {
  const visits: string[] = []
  const server = createServer((socket) => {
    visits.push('somebody connected')
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, visits }
}

describe('provider start', () => {
  test('starts processes that register themselves and renew their own leases', async () => {
    const started = await lab.run('provider start UserService --count 2 --ttl 5 --weight 30')
    expect(started).toMatchObject({ code: 0, err: '' })
    expect(started.out).toMatch(
      /^(p\d+) answers at 127\.0\.0\.1:\d+ and has registered itself as UserService, TTL 5 s, weight 30\.$/m,
    )
    expect(lab.registry.registrations()).toEqual([])
    const { instances } = await lab.registry.discover(service)
    expect(instances.map(({ instance }) => instance.extra)).toEqual([
      { weight: 30 },
      { weight: 30 },
    ])
    expect(new Set(instances.map(({ lease }) => lease)).size).toBe(2)
    expect((await registered()).sort()).toEqual(names().map(addressOf).sort())

    const list = await lab.run('provider list')
    for (const name of names()) {
      expect(list.out).toMatch(
        new RegExp(`^${name} +UserService +${addressOf(name)} +running +30 +5 s$`, 'm'),
      )
    }
  })

  test.runIf(process.platform === 'linux')(
    'gives each a session of its own, and no environment but where its code is kept',
    async () => {
      await lab.run('provider start UserService --count 2')
      const pids = await providerPids()
      expect(pids).toHaveLength(2)
      for (const pid of pids) {
        expect(sessionOf(pid)).toBe(pid)
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
        expect(environment).toEqual([`NODE_COMPILE_CACHE=${lab.labDir}/provider-cache`])
      }
    },
  )

  test('has room for ten, counts those that start, and says how to make room', async () => {
    const [first, second] = await Promise.all([
      lab.run('provider start UserService --count 6'),
      lab.run('provider start UserService --count 6'),
    ])
    expect([first.code, second.code].sort()).toEqual([0, 1])
    const refused = first.code === 0 ? second : first
    expect(refused.error?.code).toBe('PROVIDER_LIMIT')
    expect(await lab.run('provider start UserService --count 4')).toMatchObject({ code: 0 })
    expect(await providerPids()).toHaveLength(10)

    const full = await lab.run('provider start UserService')
    expect(full).toMatchObject({ code: 1, error: { code: 'PROVIDER_LIMIT', details: { max: 10 } } })
    expect(full.err).toContain('at most 10 providers at once; now there are 10, so 1 more')
    expect(full.err.replaceAll('\n', ' ')).toContain('provider drain <provider|service|all>')
    const chinese = await lab.run('provider start UserService', { locale: 'zh-CN' })
    expect(chinese.err).toContain('最多同时有 10 个提供者，现有 10 个')
    expect(await providerPids()).toHaveLength(10)

    const killed = await lab.run('provider kill UserService')
    expect(killed.out.match(/was killed/g)).toHaveLength(10)
    expect(await providerPids()).toEqual([])
  })

  test('that is interrupted leaves neither a process nor a key', async () => {
    const starting = lab.open('provider start UserService --count 3')
    await waitFor('a process', async () => (await providerPids()).length > 0 || 'none')
    starting.interrupt()
    expect(await starting.ended).toMatchObject({ code: 130 })
    await waitFor('no process', async () => {
      const pids = await providerPids()
      return (pids.length === 0 && lab.providers.list().length === 0) || pids.join()
    })
    expect(await registered()).toEqual([])
  })

  test('that fails says why, with what the process said last, and names no directory', async () => {
    const onTrouble = () => undefined
    const nowhere = createProcessControl({ dir: lab.labDir, endpoints: [], onTrouble })
    const wanted = { service, ttlSeconds: 5, weight: 1 }
    await expect(nowhere.start(wanted)).rejects.toMatchObject({
      code: 'CONFIG',
      message: 'an etcd client needs at least one endpoint',
    })
    const endpoints = lab.client.endpoints
    const broken = createProcessControl({ dir: lab.labDir, endpoints, onTrouble })
    const failure = await broken
      .start({ ...wanted, ttlSeconds: NaN })
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'PROVIDER_START_FAILED' })
    expect(String(failure)).toContain('its process ended')
    expect(String(failure)).toContain('ttlSeconds')
    expect(String(failure)).not.toContain(process.cwd())
    expect([...nowhere.list(), ...broken.list()]).toEqual([])
    expect(await providerPids()).toEqual([])
    await broken.close()
    await expect(broken.start(wanted)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('a provider that', () => {
  test('is killed stays in the registry until its lease expires; nobody dials its port', async () => {
    await lab.run('provider start UserService --count 2 --ttl 2')
    const [victim = '', other = ''] = names()
    const address = addressOf(victim)
    const watching = await watchService()
    const killed = await lab.run(`provider kill ${victim}`)
    expect(killed).toMatchObject({ code: 0, err: '' })
    expect(killed.out).toContain(`${victim} was killed (SIGKILL)`)
    expect(await providerPids()).toHaveLength(1)
    // The port is free again, and somebody else takes it.
    const stranger = await startStranger(Number(address.split(':')[1]))
    const calls = await lab.run('call UserService --count 4 --balance round-robin')
    expect(calls.out).toMatch(
      new RegExp(`${victim} ${address} is dead.*Retried: ${other} .* answered in`),
    )
    expect(calls.out).toContain(
      `4 calls: 4 answered, 0 failed, 2 retried. Answered by: ${other} 4.`,
    )
    expect(calls.code).toBe(0)

    await watching.until('removed')
    expect(await registered()).toEqual([addressOf(other)])
    const after = await lab.run('call UserService --count 4')
    expect(after.out).toContain('4 calls: 4 answered, 0 failed, 0 retried.')
    expect(stranger.visits).toEqual([])
    stranger.server.close()
    await watching.stop()
  })

  test('is paused for longer than its TTL is gone, and registers itself anew when resumed', async () => {
    await lab.run('provider start UserService --ttl 2')
    const [name = ''] = names()
    const address = addressOf(name)
    const watching = await watchService()
    expect((await lab.run(`provider pause ${address}`)).out).toContain(
      `${name} is paused (SIGSTOP)`,
    )
    const late = await lab.run('call UserService')
    expect(late.code).toBe(1)
    expect(late.out).toContain(`${name} ${address} gave no answer within 1000 ms`)
    expect(late.out).toContain('No answer does not mean that nothing was done.')
    await watching.until('removed')
    expect((await lab.run('call UserService')).out).toContain('has no instance that takes calls')

    const drain = await lab.run(`provider drain ${name}`)
    expect(drain).toMatchObject({ code: 1, error: { code: 'PROVIDER_STATE' } })
    expect(drain.err).toContain(`Cannot drain ${name}: it is paused.`)
    expect((await lab.run('provider resume all')).out).toContain(`${name} runs again (SIGCONT)`)
    await watching.until('added')
    expect(await registered()).toEqual([address])
    expect(await lab.run('call UserService')).toMatchObject({ code: 0 })
    await watching.stop()
  })

  test('is drained while calls run fails none of them', async () => {
    await lab.run('provider start UserService --count 2')
    const [drained = '', other = ''] = names()
    const { instances } = await lab.registry.discover(service)
    const lease = instances.find(
      ({ instance }) => addressOf(drained) === `127.0.0.1:${instance.servicePort}`,
    )?.lease
    const leases = async () => (await lab.client.leases()).ids
    expect(await leases()).toContain(lease)
    const watching = await watchService()
    const calling = lab.open('call UserService --every 50 --balance round-robin')
    await waitForText(calling, `${drained} ${addressOf(drained)} answered`)
    const result = await lab.run(`provider drain ${drained}`)
    expect(result.out).toMatch(
      new RegExp(`^${drained} was drained in .*deregistered, ended\\.$`, 'm'),
    )
    const before = calling.text().split('\n').length
    await waitFor('more calls', () => calling.text().split('\n').length > before + 5 || 'none')
    calling.interrupt()
    const { code, out } = await calling.ended
    expect(code).toBe(130)
    expect(out).toMatch(/^(\d+) calls: \1 answered, 0 failed, \d+ retried\. Answered by: /m)

    // Consumers were told before the key went, and its lease went with it.
    expect(watching.changes.map(({ type }) => type)).toEqual(['updated', 'removed'])
    expect(watching.changes[0]).toMatchObject({
      found: { instance: { extra: { weight: 100, draining: true } } },
    })
    expect(await leases()).not.toContain(lease)
    expect(await registered()).toEqual([addressOf(other)])
    expect(names()).toEqual([other])
    await watching.stop()
  })

  test('is sent SIGTERM from outside deregisters before it ends', async () => {
    await lab.run('provider start UserService')
    const [pid = 0] = await providerPids()
    process.kill(pid, 'SIGTERM')
    await waitFor('its end', () => !processRuns(pid) || 'it runs')
    expect(await registered()).toEqual([])
    await waitFor('the lab to have noticed', () => names().length === 0 || names().join())
  })
})

describe('call', () => {
  test('shares calls by weight, in turn, or away from who owes answers', async () => {
    await lab.run('provider start UserService --weight 0')
    await lab.run('provider start UserService --weight 10')
    const [light = '', heavy = ''] = names()
    const random = await lab.run('call UserService --count 20')
    expect(random.out).toContain(`20 answered, 0 failed, 0 retried. Answered by: ${heavy} 20.`)
    const turns = await lab.run('call UserService --count 20 --balance round-robin')
    expect(turns.out).toContain(`Answered by: ${light} 10, ${heavy} 10.`)

    await lab.run(`provider pause ${light}`)
    const away = await lab.run('call UserService --every 50 --count 16 --balance least-pending')
    expect(away.out).toContain(`16 answered, 0 failed`)
    // In turn it would be every second call.
    expect((away.out.match(/gave no answer/g) ?? []).length).toBeLessThan(6)
  })

  test('never dials an address that this lab did not start', async () => {
    const stranger = await startStranger()
    await lab.run(`register UserService 127.0.0.1:${stranger.port}`)
    const refused = await lab.run('call UserService')
    expect(refused.code).toBe(1)
    expect(refused.out).toContain(`127.0.0.1:${stranger.port} was not started by this lab`)
    expect(refused.out).toContain('provider start UserService')
    const chinese = await lab.run('call UserService', { locale: 'zh-CN' })
    expect(chinese.out).toContain(`127.0.0.1:${stranger.port} 不是由本实验启动的`)
    await lab.run(`deregister UserService 127.0.0.1:${stranger.port}`)

    await lab.run('provider start Other')
    const port = addressOf(names()[0] ?? '').split(':')[1]
    await lab.run(`register UserService localhost:${port}`)
    const named = await lab.run('call UserService')
    expect(named.out).toContain(`localhost:${port} was not started by this lab`)
    await lab.run(`deregister UserService localhost:${port}`)
    expect(stranger.visits).toEqual([])
    stranger.server.close()
  })

  test('goes on from what it last knew when etcd is gone, and asks it nothing', async () => {
    await lab.run('provider start UserService')
    const calling = lab.open('call UserService --every 50')
    await waitForText(calling, '#2 ')
    await Promise.all(lab.driver.members().map(({ name }) => lab.driver.kill(name)))
    const [, number] = /#(\d+) .*\n$/.exec(calling.text()) ?? []
    await waitForText(calling, `#${Number(number) + 5} `)
    calling.interrupt()
    expect((await calling.ended).out).toMatch(/^(\d+) calls: \1 answered, 0 failed/m)
    await lab.heal()
  })

  test.each([
    ['call', 'USAGE', '<service[:version]> is missing'],
    ['call UserService --balance fair', 'USAGE', 'random, round-robin, least-pending'],
    ['call UserService --every 1', 'USAGE', 'from 50 to 60000'],
    ['provider', 'USAGE', '<start|list|kill|pause|resume|drain> is missing'],
    ['provider strat UserService', 'USAGE', 'Did you mean start?'],
    ['provider start', 'USAGE', 'Which service?'],
    ['provider start a/b', 'INVALID_INSTANCE', '/'],
    ['provider kill', 'USAGE', 'Which provider?'],
    ['provider kill p1 --count 2', 'USAGE', '--count belongs to provider start'],
    ['provider list p1', 'USAGE', '"p1" is one argument too many'],
  ])('%s is misuse and says what was expected', async (line, code, words) => {
    const result = await lab.run(line)
    expect(result).toMatchObject({ code: 2, out: '', error: { code } })
    expect(result.err).toContain(words)
  })

  test('of a provider that is not there says so, in both languages', async () => {
    expect((await lab.run('provider kill p999')).err).toContain('No provider runs.')
    await lab.run('provider start UserService')
    const result = await lab.run('provider kill p999', { locale: 'zh-CN' })
    expect(result).toMatchObject({ code: 1, error: { code: 'NO_SUCH_PROVIDER' } })
    expect(result.err).toContain('没有提供者 p999')
  })

  test('and provider complete what they take', async () => {
    await lab.run('provider start UserService')
    const [name = ''] = names()
    const offered = async (line: string) =>
      (await lab.shell.complete(line, line.length, 'en')).candidates.map(({ value }) => value)
    expect(await offered('provider ')).toEqual([
      'start',
      'list',
      'kill',
      'pause',
      'resume',
      'drain',
    ])
    expect(await offered('provider start ')).toEqual(['UserService'])
    expect(await offered('provider kill ')).toEqual([name, 'UserService', 'all'])
    expect(await offered('call U')).toEqual(['UserService'])
    expect(await offered('call UserService --balance r')).toEqual(['random', 'round-robin'])
  })
})

describe('over HTTP a provider', () => {
  interface Answer {
    readonly status: number
    readonly headers: Readonly<Record<string, unknown>>
    readonly body: string
  }

  function send(
    address: string,
    options: { method?: string; path?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Answer> {
    const [host, port] = address.split(':')
    return new Promise((resolve, reject) => {
      const { body, ...rest } = options
      const sent = request({ host, port, agent: false, ...rest }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        )
      })
      sent.once('error', reject)
      sent.end(body)
    })
  }

  test('answers with its name and a count to its own address only, and to no page', async () => {
    await lab.run('provider start UserService')
    const [name = ''] = names()
    const address = addressOf(name)
    const port = address.split(':')[1]
    const answer = await send(address, { headers: { origin: 'https://evil.example' } })
    expect(answer).toMatchObject({ status: 200, body: JSON.stringify({ name, count: 1 }) })
    expect(Object.keys(answer.headers).filter((key) => key.startsWith('access-control'))).toEqual(
      [],
    )
    expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin')

    for (const host of ['evil.example', `localhost:${port}`, '127.0.0.1', `evil.example:${port}`]) {
      expect((await send(address, { headers: { host } })).status, host).toBe(421)
    }
    expect((await send(address, { method: 'POST' })).status).toBe(405)
    expect((await send(address, { method: 'OPTIONS' })).status).toBe(405)
    expect((await send(address, { path: '/p2' })).status).toBe(404)
    const headers = { 'content-length': '5' }
    expect((await send(address, { headers, body: 'hello' })).status).toBe(413)
    expect((await send(address, { headers: { filler: 'x'.repeat(4000) } })).status).toBe(431)
    // None of them was a call.
    expect((await send(address, {})).body).toBe(JSON.stringify({ name, count: 2 }))
  })

  test('closes on whoever takes too long to ask', async () => {
    await lab.run('provider start UserService')
    const [host, port] = addressOf(names()[0] ?? '').split(':')
    const socket = connect(Number(port), host ?? '')
    socket.write('GET / HTTP/1.1\r\n')
    let text = ''
    socket.on('data', (data: Buffer) => (text += data.toString()))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(text).toContain('408')
  })
})
