import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { labLimits } from '../../lab-server/registry/naive/naive-limits.ts'
import { startShellLab, type ShellLab } from '../helpers/shell-lab.ts'
import { waitFor } from '../helpers/wait-for.ts'

let lab: ShellLab

beforeAll(async () => {
  lab = await startShellLab()
})
afterAll(async () => {
  await lab.close()
})

describe('the naive registry', () => {
  test('takes the same commands with --naive, and says whence its answer comes', async () => {
    const registered = await lab.run('register NaiveService 127.0.0.1:7001 --naive --ttl 20')
    expect(registered).toMatchObject({ code: 0, error: null, err: '' })
    expect(registered.out).toMatch(
      /The naive registry registered NaiveService 127\.0\.0\.1:7001: lease [0-9a-f]+, TTL 20 s/,
    )
    const first = await lab.run('discover NaiveService --naive')
    expect(first.out).toMatch(/127\.0\.0\.1:7001 +default/)
    expect(first.out).toContain('which asked etcd')
    expect((await lab.run('discover NaiveService')).out).toMatch(/127\.0\.0\.1:7001 +default/)

    const gone = await lab.run('deregister NaiveService 127.0.0.1:7001 --naive')
    expect(gone.out).toContain('did not wait for the answer')
    await waitFor('the key to be gone', async () => {
      const { out } = await lab.run('discover NaiveService')
      return out.includes('has no instance') || out
    })
    const second = await lab.run('discover --naive NaiveService', { locale: 'zh-CN' })
    expect(second.out).toMatch(/127\.0\.0\.1:7001 +default/)
    expect(second.out).toContain('结果来自它的缓存')
  })

  test('writes an address as it comes, and takes it away again', async () => {
    const ambiguous = await lab.run('register NaiveV6 ::1:9000 --naive')
    expect(ambiguous.out).toContain('NaiveV6 ::1:9000')
    expect(await lab.run('register NaiveV6 ::1:9000')).toMatchObject({ code: 2 })
    const hopeless = await lab.run('register NaiveV6 nonsense --naive')
    expect(hopeless).toMatchObject({ code: 2, error: { code: 'INVALID_INSTANCE' } })
    await lab.run('deregister NaiveV6 ::1:9000 --naive')
    await waitFor('no service', async () => {
      const { out } = await lab.run('services')
      return !out.includes('NaiveV6') || out
    })
  })

  test('names a value that it cannot read, and finds nothing', async () => {
    await lab.client.put({ key: '/rpc/NaiveBad:1.0/h:1', value: 'not json' })
    const found = await lab.run('discover NaiveBad --naive')
    expect(found).toMatchObject({ code: 1, out: '', error: { code: 'UNDECODABLE' } })
    expect(found.err).toContain('/rpc/NaiveBad:1.0/h:1')
    await lab.client.deleteRange({ key: '/rpc/NaiveBad:1.0/h:1' })
  })

  test.each(['en', 'zh-CN'] as const)('lists its twenty faults (%s)', async (locale) => {
    const { code, out } = await lab.run('naive', { locale, columns: 60 })
    expect(code).toBe(0)
    const numbers = [...out.matchAll(/^ {2}([ \d]\d) {2}\S/gm)].map(([, number]) => Number(number))
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  test('waits as long as it takes when its one member is frozen, or until Ctrl-C', async () => {
    await lab.driver.pause('etcd1')
    const hanging = lab.open('discover NaiveFrozen --naive')
    expect((await lab.run('discover NaiveFrozen')).out).toContain('has no instance')
    let hasEnded = false
    void hanging.ended.then(() => (hasEnded = true))
    await delay(500)
    expect(hasEnded).toBe(false)
    hanging.interrupt()
    expect(await hanging.ended).toMatchObject({ code: 130, out: '' })
    await lab.heal()
  })

  test('keeps so many calls of impatient readers, and no more; they end with their member', async () => {
    await lab.run('register NaiveBusy 127.0.0.1:7003')
    await lab.run('kill etcd1')
    const patient = lab.open('discover NaiveBusy --naive')
    for (let call = 1; call < labLimits.calls; call += 1) {
      const impatient = lab.open('discover NaiveBusy --naive')
      impatient.interrupt()
      expect((await impatient.ended).code).toBe(130)
    }
    const refused = await lab.run('discover NaiveBusy --naive')
    expect(refused).toMatchObject({ code: 1, out: '', error: { code: 'NAIVE_LIMIT' } })
    expect(refused.err).toContain('64 calls of the naive registry still wait')
    expect(refused.err).toContain('start etcd1')
    const chinese = await lab.run('discover NaiveBusy --naive', { locale: 'zh-CN' })
    expect(chinese.err).toContain('朴素注册中心还有 64 个调用在等')
    expect(chinese.err).toContain('start etcd1')
    expect((await lab.run('discover NaiveBusy')).code).toBe(0)

    await lab.heal()
    expect((await patient.ended).out).toMatch(/127\.0\.0\.1:7003 +default/)
    expect((await lab.run('discover NaiveBusy --naive')).code).toBe(0)
  })

  test('keeps so many watches, and none of what does not fit', async () => {
    const fill = async (service: string, instances: number) => {
      for (let port = 1; port <= instances; port += 1) {
        const value = JSON.stringify({ serviceName: service, serviceHost: 'h', servicePort: port })
        await lab.client.put({ key: `/rpc/${service}:1.0/h:${port}`, value })
      }
    }
    await fill('NaiveWide', labLimits.watches + 1)
    await fill('NaiveNarrow', 1)
    for (const locale of ['en', 'zh-CN'] as const) {
      const refused = await lab.run('discover NaiveWide --naive', { locale })
      expect(refused).toMatchObject({ code: 1, out: '', error: { code: 'NAIVE_LIMIT' } })
      expect(refused.err).toMatch(/at most 200 of them|最多保留 200 个/)
    }
    expect((await lab.run('discover NaiveNarrow --naive')).code).toBe(0)
    await lab.client.deleteRange({ prefix: '/rpc/NaiveWide:' })
  })

  test('is offered as a flag, after which the next word is not taken for its value', async () => {
    await lab.run('register UserService 127.0.0.1:8080')
    const line = 'deregister --naive UserService '
    expect((await lab.shell.complete('discover --n', 12, 'en')).candidates).toMatchObject([
      { value: '--naive' },
    ])
    const { candidates } = await lab.shell.complete(line, line.length, 'en')
    expect(candidates.map(({ value }) => value)).toContain('127.0.0.1:8080')
  })
})
