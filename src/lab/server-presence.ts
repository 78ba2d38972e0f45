/**
 * Is there a lab server behind this page? `absent`: somebody answered, but not a lab server (static
 * hosting, or a file on disk). `silent`: nobody answered, which may pass.
 */
export type Presence = 'present' | 'absent' | 'silent'

const deadlineMs = 5000

/** Asks `<base>healthz`. Never rejects. */
export async function findServer(base: string, get: typeof fetch = fetch): Promise<Presence> {
  if (globalThis.location?.protocol === 'file:') return 'absent'
  try {
    const response = await get(`${base}healthz`, {
      cache: 'no-store',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(deadlineMs),
    })
    // 5xx: a proxy whose lab server is away, or one that is just ending.
    if (response.status >= 500) return 'silent'
    return response.ok && isHealth(await readJson(response)) ? 'present' : 'absent'
  } catch {
    // fetch rejects for one reason: no answer came.
    return 'silent'
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    // A static host answers with its own page.
    return null
  }
}

function isHealth(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'ok' in body && body.ok === true
}
