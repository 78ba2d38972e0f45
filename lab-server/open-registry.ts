import './older-node.ts'
import { EtcdClient } from './etcd/etcd-client.ts'
import type { EtcdInspector } from './etcd/etcd-inspector.ts'
import { createEtcdInspector } from './etcd/inspector.ts'
import { createEtcdRegistry } from './registry/etcd-registry.ts'
import type { FollowingRegistry } from './registry/registry.ts'
import type { LabError } from '../protocol/errors.ts'

// What `ming-registry-lab/registry` is, where the package is installed.
export { LabError, type ErrorCode } from '../protocol/errors.ts'
export type * from './registry/registry.ts'
export type {
  AlarmFacts,
  EndpointFacts,
  EtcdInspector,
  LeaseFacts,
  RawKey,
} from './etcd/etcd-inspector.ts'

export interface OpenRegistryOptions {
  /** Members of one etcd: `http://host:port` or `unix:///path`, at least one. */
  readonly endpoints: readonly string[]
  /** For one call with all its attempts, milliseconds. Default 10 000. */
  readonly deadlineMs?: number
  /** Told of what goes wrong in the background; the registry carries on by itself. */
  readonly onTrouble?: (error: LabError) => void
}

/** A registry and its view behind the scenes, over connections of their own. */
export interface OpenRegistry {
  readonly registry: FollowingRegistry
  readonly inspector: EtcdInspector
  /** Releases what was registered (best effort within 3 s) and closes every connection. */
  close(): Promise<void>
}

/**
 * Opens a registry in etcd, in the wire format of the Java side. Nothing is sent before the first
 * call. Throws `LabError` `CONFIG` when there is no endpoint.
 */
export function openRegistry({
  endpoints,
  deadlineMs,
  onTrouble,
}: OpenRegistryOptions): OpenRegistry {
  const client = new EtcdClient({ endpoints, ...(deadlineMs !== undefined && { deadlineMs }) })
  const registry = createEtcdRegistry({ client, ...(onTrouble && { onTrouble }) })
  return {
    registry,
    inspector: createEtcdInspector(client),
    async close() {
      await registry.close()
      client.close()
    },
  }
}
