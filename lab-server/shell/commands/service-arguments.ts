import { formatServiceId, parseAddress, parseServiceId } from '../../registry/service-key.ts'
import type { ServiceId, ServiceInstance } from '../../registry/registry.ts'
import type { Arguments, Option, Positional } from '../command.ts'
import { makeVisibleInline } from '../sanitize.ts'
import { ShellError } from '../shell-error.ts'

export const servicePositional: Positional = {
  name: 'service',
  required: true,
  placeholder: '<service[:version]>',
  complete: 'services',
}

export const versionOption: Option = { kind: 'text', name: 'version', value: 'version' }

/** Asks the naive registry instead of the real one. */
export const naiveOption: Option = { kind: 'flag', name: 'naive', requires: 'naive' }

/** `UserService:2.0`, or `UserService --version 2.0`. */
export function readService(args: Arguments): ServiceId {
  const text = args.required('service')
  const version = args.text('version')
  if (version === undefined) return parseServiceId(text)
  if (text.includes(':')) throw new ShellError('USAGE', (m) => m.arguments.versionTwice)
  return parseServiceId(`${text}:${version}`)
}

/**
 * The instance that the arguments name; its group is not part of its identity. For the naive
 * registry an address is not checked, only cut at its last colon.
 */
export function readInstance(args: Arguments, serviceGroup: string): ServiceInstance {
  const service = readService(args)
  const address = args.required('address')
  const unchecked = args.flag('naive') ? cutAddress(address) : null
  const { host, port } = unchecked ?? parseAddress(address)
  return {
    serviceName: service.name,
    serviceVersion: service.version,
    serviceHost: host,
    servicePort: port,
    serviceGroup,
  }
}

function cutAddress(address: string): { host: string; port: number } | null {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? []
  return host === undefined || port === undefined ? null : { host, port: Number(port) }
}

/** As a reader types it: `UserService` for version 1.0, else `UserService:2.0`. */
export function shortServiceName(id: ServiceId): string {
  return makeVisibleInline(id.version === '1.0' ? id.name : formatServiceId(id))
}

/** `127.0.0.1:8080`. */
export function addressOf(instance: ServiceInstance): string {
  return makeVisibleInline(`${instance.serviceHost}:${String(instance.servicePort)}`)
}

/** `UserService 127.0.0.1:8080`, as register and deregister take it. */
export function nodeOf(instance: ServiceInstance): string {
  const id = { name: instance.serviceName, version: instance.serviceVersion }
  return `${shortServiceName(id)} ${addressOf(instance)}`
}
