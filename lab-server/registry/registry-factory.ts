import { LabError } from '../../protocol/index.ts'
import { EtcdClient } from '../etcd/etcd-client.ts'
import { createEtcdRegistry } from './etcd-registry.ts'
import type { RegistryConfig } from './registry-config.ts'
import type { FollowingRegistry } from './registry.ts'

export interface RegistryHooks {
  /** Told of what goes wrong in the background; the registry carries on by itself. */
  readonly onTrouble?: (error: LabError) => void
}

/** A registry together with the connections that were made for it. */
export interface OpenRegistry {
  readonly registry: FollowingRegistry
  /** Closes the registry (see there), then its connections. Idempotent. */
  close(): Promise<void>
}

type RegistryFactory = (config: RegistryConfig, hooks: RegistryHooks) => OpenRegistry

const factories: ReadonlyMap<string, RegistryFactory> = new Map([['etcd', openEtcdRegistry]])

/** What `RegistryConfig.type` may be. */
export const registryTypes: readonly string[] = [...factories.keys()]

/**
 * Makes the registry that the configuration names. Nothing is sent yet. Throws `CONFIG` for a type
 * that nobody knows, and for TLS files that cannot be used.
 */
export function openRegistry(config: RegistryConfig, hooks: RegistryHooks = {}): OpenRegistry {
  const open = factories.get(config.type)
  if (open !== undefined) return open(config, hooks)
  const known = registryTypes.join(', ')
  throw new LabError(
    'CONFIG',
    `type: expected a known registry (${known}), received ${JSON.stringify(config.type)}`,
  )
}

function openEtcdRegistry(config: RegistryConfig, hooks: RegistryHooks): OpenRegistry {
  const { endpoints, credentials, tls, timeoutMs, ttlSeconds } = config
  const client = new EtcdClient({
    endpoints,
    deadlineMs: timeoutMs,
    ...(credentials !== null && { credentials }),
    ...(tls !== null && { tls }),
    ...hooks,
  })
  const registry = createEtcdRegistry({ client, ttlSeconds, ...hooks })
  return {
    registry,
    async close() {
      await registry.close()
      client.close()
    },
  }
}
