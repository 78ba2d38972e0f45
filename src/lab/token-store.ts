/**
 * The lab's token in localStorage: one lab for all tabs of a browser, apart for each base path, so
 * that two sites on one host do not take each other's.
 */
export interface TokenStore {
  readonly key: string
  read(): string | null
  write(token: string | null): void
}

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>

/** Where the browser refuses storage (private modes, policies) the token lives in this page only. */
export function createTokenStore(base: string, storage: Storage | null): TokenStore {
  const key = `ming-lab:token:${base}`
  let here: string | null = null
  return {
    key,
    read: () => storage?.getItem(key) ?? here,
    write: (token) => {
      here = token
      if (token === null) storage?.removeItem(key)
      else storage?.setItem(key, token)
    },
  }
}

/** localStorage, or null where the browser refuses it. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage
  } catch {
    // The getter itself throws where storage is blocked.
    return null
  }
}
