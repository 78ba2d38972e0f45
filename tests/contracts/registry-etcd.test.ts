import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EtcdClient } from '../../lab-server/etcd/etcd-client.ts'
import { openRegistry } from '../../lab-server/open-registry.ts'
import { decodeInstance } from '../../lab-server/registry/codec.ts'
import { createEtcdRegistry } from '../../lab-server/registry/etcd-registry.ts'
import { startPlainEtcd } from '../helpers/plain-etcd.ts'
import { createRegistryWorld, type RegistryWorld } from '../helpers/registry-world.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { describeRegistry } from './registry-contract.ts'

// Its outages are in a file of their own, beside this one.
describeRegistry('etcd', (client) => createEtcdRegistry({ client }), { parts: ['everyday'] })

const instance = {
  serviceName: 'S',
  serviceVersion: '1.0',
  serviceHost: 'h',
  servicePort: 1,
  serviceGroup: 'default',
}

interface EncodeVector {
  readonly case: string
  readonly etcdKey: string
  readonly value: string
}

/** Vectors whose instances `register` refuses or mends; codec.test.ts says why. */
const notAsJavaWrites = ['unset host/port', 'ipv6', 'quote/backslash/slash', 'control']

function readEncodeVectors(): EncodeVector[] {
  const file = new URL('../fixtures/java-vectors.jsonl', import.meta.url)
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
    .filter(
      (line): line is EncodeVector => typeof line === 'object' && line !== null && 'value' in line,
    )
}

describe('an instance registered here', () => {
  let world: RegistryWorld

  beforeAll(async () => {
    world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
  })
  afterAll(async () => {
    await world.close()
  })

  const vectors = readEncodeVectors().filter(({ case: name }) => !notAsJavaWrites.includes(name))

  it('has six vectors to be compared with', () => {
    expect(vectors).toHaveLength(6)
  })

  it.each(vectors)('is in etcd as Java writes it: $case', async ({ etcdKey, value }) => {
    const registry = world.open()
    const decoded = decodeInstance(Buffer.from(value))
    if (!decoded.ok) throw new Error(decoded.reason)
    await registry.register(decoded.value)
    const { kvs } = await world.etcd.range({ key: etcdKey })
    // Java leaves a null group out; a registration from here always says which group it is in.
    const expected = value.includes('serviceGroup')
      ? value
      : value.replace('}', ',"serviceGroup":"default"}')
    expect(kvs.map((kv) => Buffer.from(kv.value).toString())).toEqual([expected])
    await registry.close()
  })
})

describe('a registration whose put was executed before it was answered', () => {
  let world: RegistryWorld

  beforeAll(async () => {
    world = await createRegistryWorld((client) => createEtcdRegistry({ client }))
  })
  afterAll(async () => {
    await world.close()
  })

  it('looks after its key like any other', async () => {
    const endpoints = world.driver.members().map(({ clientUrl }) => clientUrl)
    const client = new EtcdClient({ endpoints })
    const registry = createEtcdRegistry({ client })
    const txn = client.txn.bind(client)
    // As when the answer to the first attempt is lost: the second finds the key there already.
    vi.spyOn(client, 'txn').mockImplementationOnce(async (request, options) => {
      await txn(request, options)
      const again = await txn(request, options)
      expect(again.succeeded).toBe(false)
      return again
    })
    const { key } = await registry.register({ ...instance, serviceName: 'Twice' })
    await world.etcd.deleteRange({ key })
    await waitFor('the key to be back', async () => {
      return (await world.etcd.range({ key })).count === 1 || 'no key'
    })
    await registry.close()
    client.close()
  })
})

describe('a registry whose listener throws', () => {
  it('goes on, and warns of the listener once', async () => {
    const etcd = await startPlainEtcd()
    const [endpoint = ''] = etcd.endpoints
    const warnings: Error[] = []
    const collect = (warning: Error) => void warnings.push(warning)
    process.on('warning', collect)
    let told = 0
    const onTrouble = () => {
      told += 1
      throw new Error('a mistake of the application')
    }
    const opened = openRegistry({ endpoints: [endpoint], timeoutMs: 400 }, { onTrouble })
    try {
      const { key } = await opened.registry.register(instance, { ttlSeconds: 2 })
      await etcd.kill(endpoint)
      await waitFor('to be told of it', () => told > 0 || 'not told')
      await etcd.start(endpoint)
      await etcd.etcdctl(['del', key])
      await waitFor('the key to be back', async () => {
        return (await etcd.etcdctl(['get', key])).includes(key) || 'no key'
      })
      const ours = warnings.filter(({ name }) => name === 'MingRegistryWarning')
      expect(ours).toHaveLength(1)
    } finally {
      process.off('warning', collect)
      await opened.close()
      await etcd.close()
    }
  })
})

describe('a registry that cannot reach etcd', () => {
  it('still refuses an invalid instance at once, and says what it tried otherwise', async () => {
    const client = new EtcdClient({ endpoints: ['unix:///nowhere/etcd.sock'], deadlineMs: 500 })
    const troubles: string[] = []
    const registry = createEtcdRegistry({ client, onTrouble: (error) => troubles.push(error.code) })
    await expect(registry.register({ ...instance, servicePort: 0 })).rejects.toMatchObject({
      code: 'INVALID_INSTANCE',
    })
    await expect(registry.register(instance)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(troubles).toContain('UNAVAILABLE')
    const start = performance.now()
    await registry.close()
    expect(performance.now() - start).toBeLessThan(4000)
    client.close()
  })
})
