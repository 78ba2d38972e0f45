import type { ServiceInstance } from './registry.ts'

/** Field of the value by which a provider says that it is leaving; Java's reader ignores it. */
const field = 'draining'

export function isDraining({ extra }: ServiceInstance): boolean {
  return extra?.[field] === true
}

export function asDraining(instance: ServiceInstance): ServiceInstance {
  return { ...instance, extra: { ...instance.extra, [field]: true } }
}
