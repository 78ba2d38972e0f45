import { request } from 'node:http'

/** Where a member listens: a Unix socket, or an address and a port. */
export type Listener =
  { readonly socketPath: string } | { readonly host: string; readonly port: number }

/**
 * Asks `GET /version` there; true when it is answered.
 *
 * Where clients are served etcd answers only once the member has joined a cluster that has a
 * leader; where peers are, as soon as the process is up.
 */
export function answersVersion(listener: Listener, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request({ ...listener, path: '/version', agent: false, timeout: timeoutMs })
    asking.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asking.on('timeout', () => asking.destroy())
    // Refused, reset, not there yet: all mean "not serving".
    asking.on('error', () => {
      resolve(false)
    })
    asking.on('close', () => {
      resolve(false)
    })
    asking.end()
  })
}
