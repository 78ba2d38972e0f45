import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** What decides who may talk to the server. */
export interface EdgeOptions {
  /** Address listened on. */
  readonly host: string
  /** Port that was bound. */
  readonly port: number
  readonly publicUrl: URL | null
  readonly allowedOrigins: readonly string[]
  /** The machine's own addresses; for a server that listens on all of them. */
  readonly ownAddresses?: readonly string[]
}

/**
 * Checks where a request was sent to and which page sent it. A page of another site that resolves
 * its own name to this machine (DNS rebinding) sends its own name as Host; a page that opens a
 * WebSocket to this machine sends its own Origin. Both are refused by exact comparison.
 */
export interface Edge {
  hostAllowed(host: string | undefined): boolean
  /** A WebSocket's Origin: the page's own address, or one that is configured. */
  originAllowed(origin: string | undefined, host: string | undefined): boolean
}

export function createEdge(options: EdgeOptions): Edge {
  const hosts = listAllowedHosts(options)
  const origins = new Set(options.allowedOrigins)
  if (options.publicUrl !== null) origins.add(options.publicUrl.origin)
  const hostAllowed = (host: string | undefined) =>
    host !== undefined && hosts.has(host.toLowerCase())
  return {
    hostAllowed,
    originAllowed(origin, host) {
      if (origin === undefined || host === undefined) return false
      return origins.has(origin) || (hostAllowed(host) && origin === `http://${host.toLowerCase()}`)
    },
  }
}

function listAllowedHosts(options: EdgeOptions): ReadonlySet<string> {
  const direct = ['localhost', '127.0.0.1', '[::1]', ...listenedNames(options)]
  const configured = options.allowedOrigins.map((origin) => new URL(origin))
  if (options.publicUrl !== null) configured.push(options.publicUrl)
  return new Set([
    ...direct.flatMap((name) => withPort(name, options.port, 80)),
    ...configured.flatMap(hostsOfUrl),
  ])
}

function listenedNames({ host, ownAddresses }: EdgeOptions): readonly string[] {
  const everywhere = host === '0.0.0.0' || host === '::'
  const names = everywhere ? (ownAddresses ?? listOwnAddresses()) : [host]
  return names.map((name) => (isIP(name) === 6 ? `[${name}]` : name.toLowerCase()))
}

function listOwnAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map((item) => item.address)
}

function hostsOfUrl(url: URL): readonly string[] {
  const standard = url.protocol === 'https:' ? 443 : 80
  return withPort(url.hostname, url.port === '' ? standard : Number(url.port), standard)
}

/** Browsers leave the standard port out. */
function withPort(name: string, port: number, standard: number): readonly string[] {
  return port === standard ? [name, `${name}:${port}`] : [`${name}:${port}`]
}
