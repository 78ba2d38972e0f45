/**
 * A name for this tab that a reload keeps and a duplicated tab does not share. Browsers copy
 * sessionStorage into a duplicate, so the name alone proves nothing: whoever holds the lock of that
 * name is the tab, the other takes a new name. Where the Locks API is missing (pages not served
 * from localhost or over TLS) a duplicate shows the same terminals, which works too.
 */
export async function claimTabId(): Promise<string> {
  const kept = readKept()
  if (kept && (await claim(kept))) return kept
  const fresh = randomId()
  keep(fresh)
  await claim(fresh)
  return fresh
}

const key = 'ming-lab:tab'
/** A reloaded page may ask before the browser has let go of the lock of the page before it. */
const releaseMs = 400

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Takes the lock for as long as the page lives. False when another page holds it. */
function claim(id: string): Promise<boolean> {
  // Also where navigator.locks does not exist.
  if (!isSecureContext) return Promise.resolve(true)
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(releaseMs)
    const held = navigator.locks.request(`${key}:${id}`, { signal }, () => {
      resolve(true)
      return new Promise<never>(() => {})
    })
    held.catch(() => {
      resolve(false)
    })
  })
}

function readKept(): string | null {
  try {
    return sessionStorage.getItem(key)
  } catch {
    // Storage is blocked: every page is its own tab.
    return null
  }
}

function keep(id: string): void {
  try {
    sessionStorage.setItem(key, id)
  } catch {
    // Storage is blocked: the id lives as long as the page.
    return
  }
}
