import { isIPv6 } from 'node:net'

/** One address as it was written, taken apart. */
export interface RegistryEndpoint {
  /** Null: not written, so TLS decides. */
  readonly scheme: 'http' | 'https' | 'unix' | null
  /** `host:port`, or the path of a socket. */
  readonly place: string
}

const defaultPort = 2379
/** Between members. Up to 3.5 they serve clients there too. */
const peerPort = 2380

/** `host`, `host:port`, either with `http://` or `https://`, or `unix:///path`. Null = neither. */
export function parseEndpoint(text: string): RegistryEndpoint | null {
  const [, written, rest = ''] = /^(?:(http|https|unix):\/\/)?(.*)$/i.exec(text.trim()) ?? []
  const scheme = written?.toLowerCase()
  if (scheme === 'unix') return /^\/\S+$/.test(rest) ? { scheme, place: rest } : null
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return null
  const place = parsePlace(rest.replace(/\/$/, ''))
  return place === null ? null : { scheme: scheme ?? null, place }
}

/** As `EtcdClient` takes it. */
export function formatEndpoint({ scheme, place }: RegistryEndpoint, secure: boolean): string {
  return `${scheme ?? (secure ? 'https' : 'http')}://${place}`
}

/** What its user should know of an address that is allowed; null = nothing. */
export function endpointWarning(endpoint: RegistryEndpoint): string | null {
  if (endpoint.scheme === 'unix' || !endpoint.place.endsWith(`:${peerPort}`)) return null
  return (
    `${endpoint.place}: port ${peerPort} is where etcd's members talk to each other. Members up to ` +
    `3.5 answer clients there too; from 3.6 on they do not. Clients belong on ${defaultPort}.`
  )
}

function parsePlace(text: string): string | null {
  const found = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text)
  const [, host = '', port = String(defaultPort)] = found ?? []
  if (found === null || (host.startsWith('[') && !isIPv6(host.slice(1, -1)))) return null
  return Number(port) >= 1 && Number(port) <= 65_535 ? `${host}:${Number(port)}` : null
}
