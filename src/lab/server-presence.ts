/**
 * Is there a lab server behind this page? `absent`: somebody answered, but not a lab server (static
 * hosting, or a file on disk). `silent`: nobody answered, which may pass.
 */
export type Presence = 'present' | 'absent' | 'silent'

export interface ServerLook {
  readonly presence: Presence
  /** What the server says of itself; null unless it is present. */
  readonly etcd: { readonly version: string; readonly outdated: boolean } | null
  /** How readers share the cluster; null = each has their own, as far as is known. */
  readonly shared: 'compose' | 'endpoints' | null
}

const deadlineMs = 5000

/** Asks `<base>healthz`. Never rejects. */
export async function findServer(base: string): Promise<ServerLook> {
  if (location.protocol === 'file:') return unknown('absent')
  try {
    const response = await fetch(`${base}healthz`, {
      cache: 'no-store',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(deadlineMs),
    })
    return readAnswer(response.status, await response.text())
  } catch {
    // fetch rejects for one reason: no whole answer came.
    return unknown('silent')
  }
}

function unknown(presence: Presence): ServerLook {
  return { presence, etcd: null, shared: null }
}

/** What an answer of `/healthz` means. */
export function readAnswer(status: number, body: string): ServerLook {
  // 5xx: a proxy whose lab server is away, or one that is just ending.
  if (status >= 500) return unknown('silent')
  const health = status === 200 ? readJson(body) : null
  if (!isRecord(health) || health['ok'] !== true) return unknown('absent')
  const version = health['etcdVersion']
  const outdated = health['etcdOutdated'] === true
  const etcd = typeof version === 'string' ? { version, outdated } : null
  const { cluster } = health
  const shared = cluster === 'compose' || cluster === 'endpoints' ? cluster : null
  return { presence: 'present', etcd, shared }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A static host answers with a page of its own.
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
