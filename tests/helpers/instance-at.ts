import type { ServiceId, ServiceInstance } from '../../lab-server/registry/registry.ts'

/** An instance of the service on this machine. */
export function instanceAt(
  service: ServiceId,
  servicePort: number,
  extra?: Readonly<Record<string, unknown>>,
): ServiceInstance {
  return {
    serviceName: service.name,
    serviceVersion: service.version,
    serviceHost: 'localhost',
    servicePort,
    serviceGroup: 'default',
    ...(extra && { extra }),
  }
}
