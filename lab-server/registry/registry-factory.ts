import { LabError } from '../../protocol/index.ts'
import { EtcdClient } from '../etcd/etcd-client.ts'
import type { EtcdInspector } from '../etcd/etcd-inspector.ts'
import { createEtcdInspector } from '../etcd/inspector.ts'
import { Telemetry, type TelemetryOptions } from '../telemetry/telemetry.ts'
import { createEtcdRegistry } from './etcd-registry.ts'
import type { RegistryConfig } from './registry-config.ts'
import type { FollowingRegistry } from './registry.ts'

export interface RegistryHooks extends TelemetryOptions {
  /** Told of what goes wrong in the background; the registry carries on by itself. */
  readonly onTrouble?: (error: LabError) => void
}

/** A registry and the view behind its scenes, over connections of their own. */
export interface OpenRegistry {
  readonly registry: FollowingRegistry
  readonly inspector: EtcdInspector
  /**
   * Releases what was registered (best effort within 3 s) and closes every connection. Idempotent.
   */
  close(): Promise<void>
}

type RegistryFactory = (config: RegistryConfig, hooks: RegistryHooks) => OpenRegistry

const factories: ReadonlyMap<string, RegistryFactory> = new Map([['etcd', createEtcd]])

/** What `RegistryConfig.type` may be. */
export const registryTypes: readonly string[] = [...factories.keys()]

/**
 * Makes the registry that the configuration names. Nothing is sent yet. Throws `CONFIG` for a type
 * that nobody knows, and for TLS files that cannot be used.
 */
export function createRegistry(config: RegistryConfig, hooks: RegistryHooks): OpenRegistry {
  const create = factories.get(config.type)
  if (create !== undefined) return create(config, hooks)
  const known = registryTypes.join(', ')
  throw new LabError(
    'CONFIG',
    `type: expected a known registry (${known}), received ${JSON.stringify(config.type)}`,
  )
}

function createEtcd(config: RegistryConfig, hooks: RegistryHooks): OpenRegistry {
  const { endpoints, credentials, tls, timeoutMs, ttlSeconds, snapshotDir } = config
  const { guardMs, staleAfterMs } = config
  const { onTrouble } = hooks
  const heard = { ...(onTrouble !== undefined && { onTrouble }) }
  const client = new EtcdClient({
    endpoints,
    deadlineMs: timeoutMs,
    ...(credentials !== null && { credentials }),
    ...(tls !== null && { tls }),
    telemetry: new Telemetry(hooks),
    ...heard,
  })
  const registry = createEtcdRegistry({
    client,
    ttlSeconds,
    guardMs,
    staleAfterMs,
    ...(snapshotDir !== null && { snapshotDir }),
    ...heard,
  })
  return {
    registry,
    inspector: createEtcdInspector(client),
    async close() {
      await registry.close()
      client.close()
    },
  }
}
