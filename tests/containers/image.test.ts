import { execFile } from 'node:child_process'
import { get } from 'node:http'
import { promisify } from 'node:util'
import { chromium, type Browser } from '@playwright/test'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { processesNaming } from '../../lab-server/cluster/processes-naming.ts'
import { doMainJob } from '../e2e/main-job.ts'
import { docker } from '../helpers/docker.ts'
import { freePort } from '../helpers/free-port.ts'
import { labAddress, type LabAddress } from '../helpers/lab-server.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { WsClient } from '../helpers/ws-client.ts'
import { buildLabImage, labImage, type LabImage } from './lab-image.ts'

const mostLayerBytes = 200e6
/** What Docker, Kubernetes and the compose file give the container to end, seconds. */
const graceSeconds = 30

interface LabContainer extends LabAddress {
  readonly name: string
}

let containers = 0

/**
 * Runs the image as its page says: nothing but its volume can be written, no capability, no way to
 * more privileges.
 */
async function runLab(volume: string): Promise<LabContainer> {
  containers += 1
  const name = `ming-image-test-${process.pid}-${containers}`
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  onTestFinished(async () => {
    await docker(['rm', '--force', '--volumes', name])
  })
  await docker([
    ...['run', '--detach', '--name', name, '--read-only', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--volume', `${volume}:/data`],
    ...['--network', 'host', '--env', `PORT=${port}`, '--env', 'LOG_LEVEL=debug'],
    ...['--env', 'HOST=127.0.0.1', '--env', 'LAB_MAX=3', labImage],
  ])
  await waitFor('the health of the lab', async () => {
    const answer = await fetch(`${url}healthz`).catch(() => null)
    return answer?.ok === true || `${answer?.status ?? 'no answer'}: ${await logsOf(name)}`
  })
  return { name, ...labAddress(url) }
}

async function newVolume(): Promise<string> {
  const volume = await docker(['volume', 'create'])
  onTestFinished(async () => {
    await docker(['volume', 'rm', '--force', volume])
  })
  return volume
}

/** Runs a script in a new container of the image that has the volume. */
async function askVolume(volume: string, script: string): Promise<unknown> {
  const args = ['run', '--rm', '--network', 'none', '--volume', `${volume}:/data`]
  return JSON.parse(
    await docker([...args, '--entrypoint', 'node', labImage, '--print', script]),
  ) as unknown
}

const filesInData = 'JSON.stringify(fs.readdirSync("/data"))'

async function inspect(name: string, what: string): Promise<unknown> {
  return JSON.parse(await docker(['inspect', '--format', `{{json ${what}}}`, name])) as unknown
}

/** Both streams. */
async function logsOf(name: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('docker', ['logs', name])
  return stdout + stderr
}

/** What a script printed inside the running container. */
async function runInside(name: string, script: string): Promise<string> {
  return await docker(['exec', name, 'node', '--print', script])
}

let image: LabImage

beforeAll(async () => {
  image = await buildLabImage()
  console.log(`The image is built upon: ${image.bases}`)
}, 20 * 60_000)
afterAll(() => image.remove())

describe('the image', () => {
  test('adds at most 200 MB to its base, etcd included', async () => {
    const sizes = await docker(['history', '--human=false', '--format', '{{.Size}}', labImage])
    const created = await docker(['history', '--format', '{{.CreatedBy}}', '--no-trunc', labImage])
    // The newest layer comes first; ours begin with the labels.
    const first = created.split('\n').findIndex((line) => line.includes('image.title'))
    expect(first).toBeGreaterThan(0)
    const own = sizes.split('\n').slice(0, first).map(Number)
    const sum = own.reduce((total, size) => total + size, 0)
    console.log(`Layers on top of the base: ${(sum / 1e6).toFixed(1)} MB`)
    expect(sum).toBeGreaterThan(20e6)
    expect(sum).toBeLessThanOrEqual(mostLayerBytes)
  })

  test('says what it is, which user it runs as and how to ask for its health', async () => {
    expect(await inspect(labImage, '.Config')).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['node', 'lab-server/main.ts'],
      Healthcheck: { Test: ['CMD', 'node', 'check-health.mjs'] },
      StopSignal: 'SIGTERM',
      Labels: {
        'org.opencontainers.image.title': 'Ming Registry Lab',
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.version': '0.1.0',
      },
    })
  })

  test('holds no test, no package of the build and no history', async () => {
    const script = `JSON.stringify([
      ...['astro', 'typescript', 'vitest'].filter((name) => fs.existsSync('node_modules/' + name)),
      ...fs.readdirSync('.', { recursive: true }).filter((file) =>
        /^(?:tests|\\.git)\\b|^(?:lab-server|protocol).*\\.test\\.ts$/.test(file)),
    ])`
    const volume = await newVolume()
    expect(await askVolume(volume, script)).toEqual([])
  })
})

describe('a container of it', () => {
  test('becomes healthy, as an ordinary user, on a root file system that nobody can write', async () => {
    const { name } = await runLab(await newVolume())
    await waitFor(
      'Docker to call it healthy',
      async () => {
        const health = await inspect(name, '.State.Health.Status')
        return health === 'healthy' || String(health)
      },
      { timeoutMs: 40_000, everyMs: 250 },
    )
    expect(await runInside(name, 'process.getuid()')).toBe('65532')
    const write = 'try { fs.writeFileSync("/app/x", "") } catch (error) { error.code }'
    expect(await runInside(name, write)).toBe('EROFS')
    expect(await runInside(name, write.replace('/app', '/tmp'))).toBe('EROFS')
    expect(await runInside(name, 'fs.existsSync("/var/run/docker.sock")')).toBe('false')
    expect(await inspect(name, '.Mounts')).toEqual([
      expect.objectContaining({ Type: 'volume', Destination: '/data' }),
    ])
  })

  test('refuses the name of another host', async () => {
    const { url } = await runLab(await newVolume())
    const status = await new Promise((resolve) =>
      get(url, { headers: { host: 'lab.example.com' } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }),
    )
    expect(status).toBe(421)
  })

  test('is told to end while a lab runs: it ends in time and leaves nothing', async () => {
    const volume = await newVolume()
    const lab = await runLab(volume)
    const tab = await WsClient.connect(lab)
    await tab.createLab()
    const [runDirectory = ''] = (await askVolume(volume, filesInData)) as string[]
    expect(await processesNaming(`/data/${runDirectory}`)).toHaveLength(4)

    await docker(['stop', '--time', String(graceSeconds), lab.name])
    // 137 would mean that the time was over.
    expect(await inspect(lab.name, '.State.ExitCode')).toBe(0)
    expect(await logsOf(lab.name)).toContain('shutting down reason=SIGTERM')
    expect(await tab.closed()).toMatchObject({ code: 1001 })
    expect(await processesNaming(`/data/${runDirectory}`)).toEqual([])
    expect(await askVolume(volume, filesInData)).toEqual([])
  })

  test('is killed while a lab runs: the next one on the volume removes what was left', async () => {
    const volume = await newVolume()
    const first = await runLab(volume)
    const tab = await WsClient.connect(first)
    await tab.createLab()
    const left = (await askVolume(volume, filesInData)) as string[]
    await docker(['kill', first.name])
    await tab.closed()
    expect(await askVolume(volume, filesInData)).toEqual(left)

    const second = await runLab(volume)
    expect(await logsOf(second.name)).toContain('removed what an earlier server left')
    const now = (await askVolume(volume, filesInData)) as string[]
    expect(now).toHaveLength(1)
    expect(now).not.toEqual(left)
  })
})

describe('in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    const executablePath = process.env['LAB_CHROMIUM']
    browser = await chromium.launch({
      ...(executablePath === undefined ? {} : { executablePath }),
      ...(process.getuid?.() === 0 ? { args: ['--no-sandbox'] } : {}),
    })
  })
  afterAll(() => browser.close())

  test.each(['en', 'zh-CN'] as const)(
    'a reader registers, kills the leader, sees the gap and brings the member back (%s)',
    async (language) => {
      const lab = await runLab(await newVolume())
      const page = await browser.newPage({ viewport: { width: 1280, height: 1100 } })
      await doMainJob(page, lab, language)
      await page.close()
    },
    120_000,
  )
})
