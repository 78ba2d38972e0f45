import { chromium, type Browser } from '@playwright/test'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { connectMember } from '../../lab-server/etcd/member.ts'
import { LabPage, siteDir } from '../e2e/fixtures.ts'
import { newStack } from '../helpers/compose-stack.ts'
import { composeImage, provideEtcdImage, type EtcdImage } from '../helpers/etcd-image.ts'
import { runLabServer, startLabServer, type LabServer } from '../helpers/lab-server.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { WsClient } from '../helpers/ws-client.ts'

const stack = newStack()
let image: EtcdImage
let server: LabServer | null = null

beforeAll(async () => {
  image = await provideEtcdImage(await composeImage())
  await stack.compose(['up', '--detach', '--wait'])
}, 180_000)

afterEach(async () => {
  await server?.close()
  server = null
})

afterAll(async () => {
  await stack.remove()
  await image.remove()
})

function composeSettings(): Record<string, string> {
  const host = process.env['DOCKER_HOST']
  return {
    LAB_DRIVER: 'compose',
    COMPOSE_PROJECT_NAME: stack.project,
    ...(host !== undefined && { DOCKER_HOST: host }),
  }
}

async function openReader(on: LabServer): Promise<WsClient> {
  const reader = await WsClient.connect(on)
  await reader.createLab()
  await reader.attach()
  return reader
}

async function keysInEtcd(): Promise<string> {
  const get = ['etcdctl', 'get', '', '--prefix', '--keys-only']
  return await stack.compose(['exec', '--no-TTY', 'etcd1', ...get])
}

describe('a server on the compose stack', () => {
  test('gives each reader keys of their own, shows faults to all, and leaves the stack', async () => {
    server = await startLabServer({ env: composeSettings() })
    const [one, two] = [await openReader(server), await openReader(server)]
    expect((await one.run('register UserService 127.0.0.1:8080')).code).toBe(0)
    expect((await one.run('discover UserService')).text).toContain('127.0.0.1:8080')
    expect((await two.run('services')).text).toContain('No service is registered')
    expect(await keysInEtcd()).toMatch(
      /^\/ming-lab\/[0-9a-f]{8}\/rpc\/UserService:1\.0\/127\.0\.0\.1:8080$/m,
    )
    expect((await one.run('help')).text.replace(/\s+/g, ' ')).toContain('all begin with /ming-lab/')
    expect((await two.run('etcdctl get / --prefix --keys-only')).text).toContain('UserService')

    expect((await one.run('kill leader')).code).toBe(0)
    expect((await two.run('cluster')).text).toMatch(/killed/)
    expect((await two.run('start')).code).toBe(0)

    await server.close()
    server = null
    expect(await keysInEtcd()).not.toContain('UserService')
    expect(await stack.compose(['ps', '--quiet'])).toMatch(/^\w+\n\w+\n\w+$/)
  })

  test('says what is missing where the stack does not exist', async () => {
    const env = { ...composeSettings(), COMPOSE_PROJECT_NAME: 'no-such-project' }
    const { LAB_ETCD_DIR = '' } = process.env
    const ended = await runLabServer({ ...env, LAB_ETCD_DIR, PORT: '0' })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('docker compose -p no-such-project up -d --wait')
  })
})

describe('a browser on the compose stack', () => {
  let browser: Browser

  beforeAll(async () => {
    const executablePath = process.env['LAB_CHROMIUM']
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    })
  })
  afterAll(() => browser.close())

  test('registers, kills the container of the leader, sees the gap, and brings it back', async () => {
    server = await startLabServer({ env: composeSettings(), siteDir })
    const page = await browser.newPage({ viewport: { width: 1280, height: 1100 } })
    const lab = new LabPage(page)
    await lab.open(server)
    // Also before anything is started nobody is promised a cluster of their own.
    await page.locator('[data-whose=compose]').first().waitFor()
    expect(await page.locator('[data-whose=own]').first().isVisible()).toBe(false)
    await lab.startLab()
    expect(await page.locator('.ming-lab-detail').first().innerText()).toContain('compose stack')
    await lab.run('register UserService 127.0.0.1:8080')
    const first = await lab.leader()
    await lab.run('kill leader')
    const shows = (name: string, value: string) => async () => {
      const shown = await lab.panel.getAttribute(name)
      return shown === value || `${name} is ${String(shown)}`
    }
    await waitFor('two running members', shows('data-running', '2'))
    await waitFor('another leader', async () => (await lab.leader()) !== first || first)
    await waitFor('a measured gap', async () => {
      const text = await lab.result.innerText()
      return (/took over after \d/.test(text) && text.includes(first)) || text
    })
    expect(await stack.compose(['ps', '--all', '--status', 'exited', '--services'])).toBe(first)
    await lab.run('discover UserService')
    await lab.expectOnScreen('127.0.0.1:8080')
    await lab.run(`start ${first}`)
    await waitFor('three running members', shows('data-running', '3'))
    await page.close()
  })
})

describe('a server on endpoints', () => {
  test('serves the registry, and says why it cannot harm members', async () => {
    const ports = ['2379', '2389', '2399']
    const endpoints = ports.map((port) => `http://${stack.address}:${port}`)
    server = await startLabServer({ env: { LAB_ENDPOINTS: endpoints.join(',') } })
    const reader = await openReader(server)
    expect((await reader.run('register UserService 127.0.0.1:8081')).code).toBe(0)
    expect(await keysInEtcd()).toContain('/rpc/UserService:1.0/127.0.0.1:8081')
    expect((await reader.run('kill leader')).code).toBe(127)
    const help = (await reader.run('help')).text
    expect(help.replace(/\s+/g, ' ')).toContain('its processes are out of reach')
    expect(help).toMatch(/^ {2}register /m)
    expect(help).not.toMatch(/^ {2}kill /m)
    const refused = await reader.ask({ type: 'fault', action: 'kill', target: 'leader' })
    expect(refused).toMatchObject({ type: 'failed', error: { code: 'MEMBER_STATE' } })

    await stack.compose(['kill', 'etcd3'])
    await waitFor('etcd3 to be shown as gone', async () => {
      const { text } = await reader.run('cluster')
      return /etcd3\s+\S*exited/.test(text) || text
    })
    await stack.compose(['up', '--detach', '--wait', 'etcd3'])
    await waitFor('etcd3 to be back', async () => {
      const { text } = await reader.run('cluster')
      return /etcd3\s+\S*running/.test(text) || text
    })
    const member = connectMember(endpoints[0] ?? '')
    expect((await member.status({ deadlineMs: 1000 })).leaderId).not.toBeNull()
    member.close()
  })
})
