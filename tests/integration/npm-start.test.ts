import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { processesNaming } from '../../lab-server/cluster/processes-naming.ts'
import { runScript, type Script } from '../helpers/npm-script.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitFor } from '../helpers/wait-for.ts'

interface Started {
  readonly npm: Script
  readonly url: string
  readonly dataDir: string
  readonly servingAfterMs: number
}

async function npmStart(): Promise<Started> {
  const dataDir = await temporaryFolder()
  const start = performance.now()
  const npm = runScript('npm', ['start'], { PORT: '0', LAB_DATA_DIR: dataDir })
  const address = () => /Ming Registry Lab: (\S+)/.exec(npm.stdout())?.[1]
  await waitFor(
    'the address of the lab',
    () => address() !== undefined || npm.stdout() + npm.stderr(),
    { timeoutMs: 50_000 },
  )
  return { npm, url: address() ?? '', dataDir, servingAfterMs: performance.now() - start }
}

async function expectNothingLeft({ url, dataDir }: Started): Promise<void> {
  await waitFor('the server to be gone', async () => {
    const answer = await fetch(url).catch(() => null)
    return answer === null || `HTTP ${answer.status}`
  })
  await waitFor('processes and data to be gone', async () => {
    const left = [...(await processesNaming(dataDir)), ...(await readdir(dataDir))]
    return left.length === 0 || left.join(' ')
  })
}

test('a second start does no set-up work and serves within 5 s', async () => {
  const first = await npmStart()
  first.npm.signal('SIGTERM')
  await first.npm.exited()
  await expectNothingLeft(first)
  const second = await npmStart()
  expect(second.npm.stderr()).not.toContain('[set-up]')
  expect(second.servingAfterMs).toBeLessThan(5000)
  const page = await fetch(second.url)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('Ming Registry Lab')
  second.npm.signal('SIGTERM')
  await expectNothingLeft(second)
})

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  '%s to npm alone ends the server and leaves nothing',
  async (signal) => {
    const started = await npmStart()
    started.npm.signal(signal)
    await expectNothingLeft(started)
  },
)

test('all settings that the server refuses are shown before the site is built for them', async () => {
  const npm = runScript('npm', ['start'], { PORT: 'eighty', PUBLIC_URL: 'foo' })
  expect(await npm.exited()).toEqual({ code: 1, signal: null })
  expect(npm.stderr()).toContain('2 settings are wrong')
  expect(npm.stderr()).toContain('PORT: "eighty"')
  expect(npm.stderr()).toContain('PUBLIC_URL: "foo"')
  expect(npm.stderr()).not.toContain('Building the site')
})

test('an unknown task names the tasks there are', async () => {
  const setup = runScript(process.execPath, ['setup/main.mjs', 'strat'])
  expect(await setup.exited()).toEqual({ code: 2, signal: null })
  expect(setup.stderr()).toContain('Expected one of these tasks: set-up, start, dev, test')
})
