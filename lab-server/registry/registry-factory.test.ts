import { describe, expect, it } from 'vitest'
import { readRegistryConfig } from './registry-config.ts'
import { createRegistry } from './registry-factory.ts'

describe('createRegistry', () => {
  it('opens and closes without asking anybody', async () => {
    const { config } = readRegistryConfig({ options: { endpoints: '127.0.0.1:1' } })
    const opened = createRegistry(config, {})
    expect(opened.registry.registrations()).toEqual([])
    await opened.close()
    await opened.close()
    await expect(opened.registry.services()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('names the registries it knows when it is asked for another', () => {
    const { config } = readRegistryConfig()
    expect(() => createRegistry({ ...config, type: 'zookeeper' }, {})).toThrow(
      'type: expected a known registry (etcd), received "zookeeper"',
    )
  })

  it('refuses TLS files that it cannot read, at once', () => {
    const { config } = readRegistryConfig({ options: { tls: { caFile: '/no/such.pem' } } })
    expect(() => createRegistry(config, {})).toThrow(/^tls\.caFile \/no\/such\.pem: .*ENOENT/)
  })
})
