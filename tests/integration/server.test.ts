import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startLabServer, runLabServer, type LabServer } from '../helpers/lab-server.ts'
import { waitFor } from '../helpers/wait-for.ts'

/** `fetch` sets Host itself; here the test does. */
async function getAs(
  server: LabServer,
  host: string,
  target = '/healthz',
  headers: Record<string, string> = {},
) {
  const call = request({
    host: '127.0.0.1',
    port: server.port,
    path: target,
    headers: { ...headers, host },
  })
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve).once('error', reject).end()
  })
  return { status: response.statusCode ?? 0, text: await readText(response) }
}

/** The address comes first; who knows it need not wait for the lines that follow. */
const printed = (server: LabServer, wanted: string | RegExp) =>
  waitFor(String(wanted), () => {
    const text = server.stdout()
    const found = typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)
    return found || text
  })

const text = (pattern: RegExp): unknown => expect.stringMatching(pattern)
const aNumber: unknown = expect.any(Number)
const aBoolean: unknown = expect.any(Boolean)

describe('the server', () => {
  let server: LabServer
  const get = (target: string) => fetch(new URL(target, server.url), { redirect: 'manual' })

  beforeAll(async () => {
    server = await startLabServer()
  })
  afterAll(() => server.close())

  test('tells its health', async () => {
    const response = await get('healthz')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      ok: true,
      version: text(/^\d+\.\d+\.\d+/),
      boot: text(/^[0-9a-f]{12}$/),
      etcdVersion: text(/^3\.\d+\.\d+$/),
      etcdOutdated: aBoolean,
      uptime: aNumber,
      labs: { running: 0, max: aNumber },
      cluster: null,
    })
  })

  test('prints its address, the version of etcd and the number of labs', async () => {
    expect(server.stdout()).toMatch(/^Ming Registry Lab: http:\/\/127\.0\.0\.1:\d+\/\n/)
    await printed(server, /etcd 3\.\d+\.\d+, up to \d+ labs? at once \(.+\)/)
  })

  test('counts a single lab as one', async () => {
    const small = await startLabServer({ env: { LAB_MAX: '1' } })
    onTestFinished(() => small.close())
    await printed(small, 'up to 1 lab at once (LAB_MAX)')
  })

  test.runIf(existsSync('/dev/shm'))('warns of a data directory in memory', async () => {
    const inMemory = await mkdtemp('/dev/shm/lab-')
    const started = await startLabServer({ env: { LAB_DATA_DIR: inMemory } })
    onTestFinished(async () => {
      await started.close()
      await rm(inMemory, { recursive: true })
    })
    await printed(started, `Note: ${inMemory} is a tmpfs`)
  })

  test('serves pages that are checked again at each use', async () => {
    for (const page of ['', 'guide/', 'zh-cn/']) {
      const response = await get(page)
      expect(response.status, page).toBe(200)
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(response.headers.get('cache-control')).toBe('no-cache')
      const etag = response.headers.get('etag') ?? ''
      const { host } = new URL(server.url)
      const again = await getAs(server, host, `/${page}`, { 'if-none-match': etag })
      expect(again.status, page).toBe(304)
    }
  })

  test('lets files with a hash in their name be kept for ever', async () => {
    const response = await get('_astro/page.AbC123.js')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  })

  test('leads a directory without its slash to the page', async () => {
    const response = await get('guide')
    expect([response.status, response.headers.get('location')]).toEqual([301, '/guide/'])
  })

  test.each([
    ['nowhere/', 'Not found'],
    ['zh-cn/nowhere/', '找不到页面'],
    ['fr/nowhere/', 'Not found'],
    ['zh-cn/../../../../etc/passwd', 'Not found'],
    ['_astro/gone.js', 'Not found'],
  ])('answers %s with the 404 page of its language', async (target, title) => {
    const response = await get(target)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain(title)
  })

  test.each([
    '%2e%2e/%2e%2e/package.json',
    '..%2f..%2fpackage.json',
    '.git/config',
    '%zz',
    'a%00b',
  ])('gives nothing away for %s', async (target) => {
    const { status, text } = await getAs(server, `localhost:${String(server.port)}`, `/${target}`)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(text).not.toContain('ming-registry-lab')
  })

  test('sends the headers that keep a page in its place, and none that names its software', async () => {
    const { headers } = await get('')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.has('x-powered-by')).toBe(false)
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })

  test.each(['evil.example', 'evil.example:80', '127.0.0.1', 'localhost:1', '192.0.2.1:4379'])(
    'refuses a request that was meant for %s',
    async (host) => {
      const { status, text } = await getAs(server, host)
      expect(status).toBe(421)
      expect(text).toContain(JSON.stringify(host))
      expect(text).toContain('PUBLIC_URL')
    },
  )

  test.each(['localhost', '127.0.0.1', '[::1]'])(
    'answers to the loopback name %s',
    async (name) => {
      expect((await getAs(server, `${name}:${String(server.port)}`)).status).toBe(200)
    },
  )
})

test('a client that never finishes its request is cut off', async () => {
  const server = await startLabServer()
  onTestFinished(() => server.close())
  const host = `Host: 127.0.0.1:${String(server.port)}`
  const unfinished = [
    '',
    'GET / HTTP/1.1\r\nX',
    `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 9\r\n\r\n`,
  ]
  const started = performance.now()
  await Promise.all(
    unfinished.map(async (start) => {
      const socket = connect(server.port, '127.0.0.1').resume()
      socket.write(start)
      await once(socket, 'close')
    }),
  )
  expect(performance.now() - started).toBeLessThan(15_000)
}, 40_000)

describe('under a sub-path', () => {
  let server: LabServer

  beforeAll(async () => {
    server = await startLabServer({
      env: { BASE_PATH: '/lab', PUBLIC_URL: 'https://lab.example.com/lab/' },
    })
  })
  afterAll(() => server.close())

  const get = (target: string) =>
    fetch(`http://127.0.0.1:${String(server.port)}${target}`, { redirect: 'manual' })

  test('the site, its health and its 404 page are there', async () => {
    expect(await (await get('/lab/')).text()).toContain('Home')
    expect(await (await get('/lab/guide/')).text()).toContain('Guide')
    expect(await (await get('/lab/healthz')).json()).toMatchObject({ ok: true })
    expect(await (await get('/lab/zh-cn/nowhere/')).text()).toContain('找不到页面')
  })

  test('the bare address leads to it, and nothing else is served outside', async () => {
    expect((await get('/')).headers.get('location')).toBe('/lab/')
    expect((await get('/lab')).headers.get('location')).toBe('/lab/')
    expect((await get('/guide/')).status).toBe(404)
    expect((await get('/laboratory/')).status).toBe(404)
  })

  test('health is also at the root, for whoever checks the container', async () => {
    expect(await (await get('/healthz')).json()).toMatchObject({ ok: true })
  })

  test('the host of the public URL is accepted', async () => {
    expect((await getAs(server, 'lab.example.com')).status).toBe(200)
  })
})

describe('a server that cannot start', () => {
  test('says what to do when its port is taken, without a stack', async () => {
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const dataDir = await mkdtemp(path.join(tmpdir(), 'taken-'))
    const { code, stderr } = await runLabServer({ PORT: port, LAB_DATA_DIR: dataDir })
    other.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`Port ${port} of 127.0.0.1 is taken`)
    expect(stderr).toMatch(/PORT=\d+ npm start/)
    expect(stderr).not.toContain('    at ')
    await rm(dataDir, { recursive: true })
  })

  test('says what to do when the address is not its own', async () => {
    const { code, stderr } = await runLabServer({ PORT: '0', HOST: '192.0.2.1' })
    expect(code).toBe(1)
    expect(stderr).toContain('This machine has no address 192.0.2.1')
    expect(stderr).not.toContain('    at ')
  })

  test('reports every wrong setting at once, without a stack', async () => {
    const { code, stdout, stderr } = await runLabServer({
      PORT: 'http',
      BASE_PATH: '/a b/',
      LAB_ETCD_DIR: '/does/not/exist',
    })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('3 settings are wrong')
    for (const name of ['PORT', 'BASE_PATH', 'LAB_ETCD_DIR'])
      expect(stderr).toContain(`  ${name}: `)
    expect(stderr).toContain('`npm start` finds')
    expect(stderr).not.toContain('    at ')
  })

  test('leaves nothing behind', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'taken-'))
    await runLabServer({ PORT: '0', HOST: '192.0.2.1', LAB_DATA_DIR: dataDir })
    expect(await readdir(dataDir)).toEqual([])
    await rmdir(dataDir)
  })
})
