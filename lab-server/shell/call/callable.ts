import { isDraining } from '../../registry/draining.ts'
import type { FoundInstance, ServiceInstance } from '../../registry/registry.ts'

/** What an instance weighs that does not say, or says something else than a number. */
const usualWeight = 100

/** `127.0.0.1:8080`, exactly as it is registered. */
export function dialAddress({ serviceHost, servicePort }: ServiceInstance): string {
  return `${serviceHost}:${servicePort}`
}

/** Those that take new calls: a draining instance only finishes what it has. */
export function callable(instances: readonly FoundInstance[]): readonly ServiceInstance[] {
  return instances.map(({ instance }) => instance).filter((instance) => !isDraining(instance))
}

export function weightOf({ extra }: ServiceInstance): number {
  const weight = extra?.['weight']
  return typeof weight === 'number' && Number.isFinite(weight) && weight >= 0 ? weight : usualWeight
}
