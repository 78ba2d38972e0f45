/**
 * Keys of attributes. Those without `ming.` are OpenTelemetry's own:
 * https://opentelemetry.io/docs/specs/semconv/ (1.45: `rpc`, `db`, `server`, `error`).
 */
export const attribute = {
  rpcSystem: 'rpc.system.name',
  rpcMethod: 'rpc.method',
  rpcStatus: 'rpc.response.status_code',
  dbSystem: 'db.system.name',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  /** One of our error codes (protocol/errors.ts); absent where nothing failed. */
  errorType: 'error.type',
  attempts: 'ming.etcd.call.attempts',
  attempt: 'ming.etcd.attempt.number',
  operation: 'ming.registry.operation',
  service: 'ming.registry.service',
  key: 'ming.registry.key',
  reregisterReason: 'ming.registry.reregister.reason',
  relistReason: 'ming.registry.relist.reason',
  guardTransition: 'ming.registry.guard.transition',
  registrationState: 'ming.registry.registration.state',
  viewTrust: 'ming.registry.view.trust',
} as const

export type AttributeName = (typeof attribute)[keyof typeof attribute]
