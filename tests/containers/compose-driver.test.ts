import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MemberEvent } from '../../lab-server/cluster/cluster-driver.ts'
import { attachComposeDriver } from '../../lab-server/cluster/compose-driver.ts'
import { describeClusterDriver, type DriverFixture } from '../contracts/cluster-driver-contract.ts'
import { newStack, type ComposeStack } from '../helpers/compose-stack.ts'
import { composeImage, provideEtcdImage, type EtcdImage } from '../helpers/etcd-image.ts'
import { waitFor } from '../helpers/wait-for.ts'

let image: EtcdImage

beforeAll(async () => {
  image = await provideEtcdImage(await composeImage())
}, 180_000)

afterAll(() => image.remove())

async function createFixture(): Promise<DriverFixture & { stack: ComposeStack }> {
  const stack = newStack()
  await stack.compose(['create'])
  const driver = await attachComposeDriver({ project: stack.project })
  return { driver, stack, remove: () => stack.remove() }
}

describeClusterDriver('compose', createFixture, 'attached')

describe('the compose driver', () => {
  it('says what to do where there is no stack of that name', async () => {
    const attaching = attachComposeDriver({ project: 'no-such-project' })
    await expect(attaching).rejects.toMatchObject({ code: 'CONFIG' })
    await expect(attaching).rejects.toThrow('docker compose -p no-such-project up -d --wait')
  })

  it('sees what others do to the containers', async () => {
    const fixture = await createFixture()
    const { driver, stack } = fixture
    const events: string[] = []
    driver.onChange(({ member, state }: MemberEvent) => events.push(`${member} ${state}`))
    const until = (wanted: string) =>
      waitFor(wanted, () => events.includes(wanted) || events.join(', '), { timeoutMs: 30_000 })
    try {
      await stack.compose(['up', '--detach', '--wait'])
      for (const name of ['etcd1', 'etcd2', 'etcd3']) await until(`${name} running`)
      await stack.compose(['pause', 'etcd1'])
      await until('etcd1 paused')
      await stack.compose(['kill', 'etcd2'])
      await until('etcd2 exited')
      // A new container takes the place of the old one.
      await stack.compose(['up', '--detach', '--force-recreate', '--no-deps', 'etcd3'])
      await waitFor('a third start of etcd3', () => {
        const seen = events.filter((event) => event.startsWith('etcd3'))
        return seen.slice(-3).join() === 'etcd3 exited,etcd3 starting,etcd3 running' || seen.join()
      })
    } finally {
      await driver.close()
      await fixture.remove()
    }
    expect(events.filter((event) => event === 'etcd1 paused')).toHaveLength(1)
  })
})
