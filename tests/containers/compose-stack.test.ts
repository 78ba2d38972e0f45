import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newStack } from '../helpers/compose-stack.ts'
import { docker } from '../helpers/docker.ts'
import { composeImage, provideEtcdImage, type EtcdImage } from '../helpers/etcd-image.ts'
import { waitFor } from '../helpers/wait-for.ts'

const stack = newStack()
let image: EtcdImage

beforeAll(async () => {
  image = await provideEtcdImage(await composeImage())
  await stack.compose(['up', '--detach', '--wait'])
}, 180_000)

afterAll(async () => {
  await stack.remove()
  await image.remove()
})

const everyEndpoint = '--endpoints=etcd1:2379,etcd2:2379,etcd3:2379'

async function etcdctl(member: string, ...args: string[]): Promise<string> {
  return await stack.compose(['exec', '--no-TTY', member, 'etcdctl', ...args])
}

test('three healthy members come up', async () => {
  const health = await etcdctl('etcd1', everyEndpoint, 'endpoint', 'health', '--write-out=json')
  const members = JSON.parse(health) as { endpoint: string; health: boolean }[]
  expect(members.map((member) => member.health)).toEqual([true, true, true])
})

test('data survives that the stack goes down and comes up again', async () => {
  await etcdctl('etcd1', 'put', 'kept', 'yes')
  await stack.compose(['down', '--timeout', '5'])
  await stack.compose(['up', '--detach', '--wait'])
  expect(await etcdctl('etcd3', 'get', 'kept', '--print-value-only')).toBe('yes')
})

test('a member whose volume is lost is repaired: remove, add, start as part of what exists', async () => {
  await stack.compose(['rm', '--stop', '--force', 'etcd2'])
  await docker(['volume', 'rm', `${stack.project}_etcd2-data`])
  const list = JSON.parse(
    await etcdctl('etcd1', 'member', 'list', '--write-out=json', '--hex'),
  ) as {
    members: { ID: string; name: string }[]
  }
  const lost = list.members.find((member) => member.name === 'etcd2')?.ID ?? 'none'
  await etcdctl('etcd1', 'member', 'remove', lost)
  // etcd takes no new member before it has been connected to the others for five seconds.
  await waitFor('etcd to take a member', async () => {
    await etcdctl('etcd1', 'member', 'add', 'etcd2', '--peer-urls=http://etcd2:2380')
    return true as const
  })
  await stack.compose(['up', '--detach', '--wait', 'etcd2'], {
    ETCD_INITIAL_CLUSTER_STATE: 'existing',
  })
  const local = ['get', 'kept', '--print-value-only', '--consistency=s']
  expect(await etcdctl('etcd2', ...local)).toBe('yes')
})

test('the profile monitoring mounts files that are there', async () => {
  const words = ['--profile', 'monitoring', 'config', '--format', 'json']
  const { services } = JSON.parse(await stack.compose(words)) as {
    services: Record<string, { volumes: { type: string; source: string }[] }>
  }
  expect(Object.keys(services).sort()).toEqual(['etcd1', 'etcd2', 'etcd3', 'grafana', 'prometheus'])
  const mounts = Object.values(services).flatMap(({ volumes }) => volumes)
  const sources = mounts.filter(({ type }) => type === 'bind').map(({ source }) => source)
  expect(sources).toHaveLength(4)
  expect(sources.filter((source) => !existsSync(source))).toEqual([])
})

test('down with its volumes leaves nothing', async () => {
  await stack.remove()
  const label = `label=com.docker.compose.project=${stack.project}`
  expect(await docker(['ps', '--all', '--quiet', '--filter', label])).toBe('')
  expect(await docker(['volume', 'ls', '--quiet', '--filter', label])).toBe('')
  expect(await docker(['network', 'ls', '--quiet', '--filter', label])).toBe('')
})
