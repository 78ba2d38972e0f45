import { attribute } from '../telemetry/attributes.ts'
import type { ServiceId, ServiceInstance } from './registry.ts'
import { formatServiceId, instanceKey, serviceOfPrefix } from './service-key.ts'

// What a span says of what it is about: asked for only while somebody listens.

export function aboutService(service: ServiceId): Record<string, string> {
  return { [attribute.service]: formatServiceId(service) }
}

export function aboutPrefix({ prefix }: { readonly prefix: string }): Record<string, string> {
  return { [attribute.service]: serviceOfPrefix(prefix) }
}

export function aboutInstance(instance: ServiceInstance): Record<string, string> {
  const { serviceName: name, serviceVersion: version } = instance
  return { ...aboutService({ name, version }), [attribute.key]: instanceKey(instance) }
}

export function aboutNothing(): Record<string, string> {
  return {}
}
