import type { LabError } from '../../protocol/index.ts'
import { defaultGroup, encodeInstance, reservedFields } from './codec.ts'
import { invalidInstance, type InstanceProblem } from './instance-problem.ts'
import {
  bracketIpv6,
  groupProblem,
  hostProblem,
  nameProblem,
  portProblem,
  versionProblem,
} from './instance-rules.ts'
import type { ServiceId, ServiceInstance } from './registry.ts'
import { defaultVersion, formatServiceId } from './service-key.ts'

/** What a caller has to say of an instance; the rest has defaults. */
export type InstanceInput = Pick<ServiceInstance, 'serviceName' | 'serviceHost' | 'servicePort'> &
  Partial<ServiceInstance>

/** Bytes of a value; etcd itself refuses requests above 1.5 MiB. */
export const valueLimit = 64 * 1024

/**
 * The instance as it will be written: defaults filled in, IPv6 in brackets. Throws
 * `INVALID_INSTANCE` with every problem at once.
 */
export function checkInstance(input: InstanceInput): ServiceInstance {
  const instance = fillDefaults(input)
  const problems = findProblems(instance)
  if (problems.length > 0) throw notRegistered(problems)
  const bytes = Buffer.byteLength(encodeInstance(instance))
  if (bytes > valueLimit) throw notRegistered([{ kind: 'too-large', bytes, max: valueLimit }])
  return instance
}

/** `INVALID_INSTANCE` for an instance, or for the TTL it was to have. */
export function notRegistered(problems: InstanceProblem[]): LabError {
  return invalidInstance({ subject: 'instance', text: '', problems })
}

/**
 * Refuses a service that no prefix can be made of. Lenient otherwise: a Java provider may have
 * registered a name that `checkInstance` would refuse.
 */
export function checkServiceId(id: ServiceId): ServiceId {
  const text = formatServiceId(id)
  if (id.name !== '' && id.version !== '' && text.isWellFormed() && text.length <= 1024) return id
  const problems = [{ kind: 'half-service' }] satisfies InstanceProblem[]
  throw invalidInstance({ subject: 'service', text: text.slice(0, 80), problems })
}

function fillDefaults(input: InstanceInput): ServiceInstance {
  const { extra, serviceHost: host } = input
  return {
    serviceName: input.serviceName,
    serviceVersion: input.serviceVersion ?? defaultVersion,
    serviceHost: typeof host === 'string' ? bracketIpv6(host) : host,
    servicePort: input.servicePort,
    serviceGroup: input.serviceGroup ?? defaultGroup,
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  }
}

function findProblems(instance: ServiceInstance): InstanceProblem[] {
  return [
    nameProblem(instance.serviceName),
    versionProblem(instance.serviceVersion),
    hostProblem(instance.serviceHost),
    portProblem(instance.servicePort),
    groupProblem(instance.serviceGroup),
    extraProblem(instance.extra ?? {}),
  ].filter((problem) => problem !== null)
}

function extraProblem(extra: Readonly<Record<string, unknown>>): InstanceProblem | null {
  const taken = Object.keys(extra).filter((name) => reservedFields.has(name))
  return taken.length === 0 ? null : { kind: 'reserved', names: taken.join(', ') }
}
