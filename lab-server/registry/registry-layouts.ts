import type { SettingName } from './registry-settings.ts'

/** Where settings stand in a source: keys of the source to our names, nested as there. */
export interface Layout {
  readonly [key: string]: SettingName | Layout
}

const tlsLayout: Layout = { caFile: 'caFile', certFile: 'certFile', keyFile: 'keyFile' }

export const optionsLayout: Layout = {
  type: 'type',
  endpoints: 'endpoints',
  credentials: { username: 'username', password: 'password' },
  tls: tlsLayout,
  ttlSeconds: 'ttlSeconds',
  timeoutMs: 'timeoutMs',
  snapshotDir: 'snapshotDir',
  guardMs: 'guardMs',
  staleAfterMs: 'staleAfterMs',
}

/** Under the names that a reader has typed, so that a problem names what he can mend. */
export const flagsLayout: Layout = {
  '--endpoints': 'endpoints',
  '--user': { name: 'username', password: 'password' },
  '--ca-file': 'caFile',
  '--cert-file': 'certFile',
  '--key-file': 'keyFile',
  '--timeout': 'timeoutMs',
}

export const environmentLayout: Layout = {
  MING_REGISTRY_TYPE: 'type',
  MING_REGISTRY_ENDPOINTS: 'endpoints',
  MING_REGISTRY_USERNAME: 'username',
  MING_REGISTRY_PASSWORD: 'password',
  MING_REGISTRY_CA_FILE: 'caFile',
  MING_REGISTRY_CERT_FILE: 'certFile',
  MING_REGISTRY_KEY_FILE: 'keyFile',
  MING_REGISTRY_TTL_SECONDS: 'ttlSeconds',
  MING_REGISTRY_TIMEOUT_MS: 'timeoutMs',
  MING_REGISTRY_SNAPSHOT_DIR: 'snapshotDir',
  MING_REGISTRY_GUARD_MS: 'guardMs',
  MING_REGISTRY_STALE_AFTER_MS: 'staleAfterMs',
}

/** `rpc.registry`: the framework's documentation, and what only this registry knows. */
const documentLayout: Layout = {
  type: 'type',
  address: 'endpoints',
  timeout: 'timeoutMs',
  username: 'username',
  password: 'password',
  ttlSeconds: 'ttlSeconds',
  tls: tlsLayout,
  snapshotDir: 'snapshotDir',
  guardMs: 'guardMs',
  staleAfterMs: 'staleAfterMs',
}

/** `rpc.registryConfig`: what the Java side really binds. Both give the timeout in milliseconds. */
const javaLayout: Layout = {
  registry: 'type',
  address: 'endpoints',
  username: 'username',
  password: 'password',
  timeout: 'timeoutMs',
}

/** By the key below `rpc`. */
export const fileLayouts: Readonly<Record<string, Layout>> = {
  registry: documentLayout,
  registryConfig: javaLayout,
}
