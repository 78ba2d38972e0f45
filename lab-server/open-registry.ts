import './older-node.ts'
import { readRegistryConfig, type RegistryOptions } from './registry/registry-config.ts'
import {
  createRegistry,
  type OpenRegistry,
  type RegistryHooks,
} from './registry/registry-factory.ts'

// What `ming-registry-lab/registry` is, where the package is installed.
export { LabError, type ErrorCode } from '../protocol/errors.ts'
export type * from './registry/registry.ts'
export {
  readRegistryConfig,
  type RegistryConfig,
  type RegistryOptions,
  type RegistrySources,
} from './registry/registry-config.ts'
export type { OpenRegistry, RegistryHooks } from './registry/registry-factory.ts'
export type { Credentials } from './etcd/auth-session.ts'
export type { TlsFiles } from './etcd/tls-files.ts'
export type {
  AlarmFacts,
  EndpointFacts,
  EtcdInspector,
  LeaseFacts,
  RawKey,
} from './etcd/etcd-inspector.ts'

/**
 * Opens the registry that the options name, or the `config` of `readRegistryConfig`: in etcd, in the
 * wire format of the Java side. Nothing is sent before the first call. Throws one `LabError`
 * `CONFIG` with every problem of the options, or of the TLS files.
 */
export function openRegistry(
  options: RegistryOptions = {},
  hooks: RegistryHooks = {},
): OpenRegistry {
  return createRegistry(readRegistryConfig({ options }).config, hooks)
}
