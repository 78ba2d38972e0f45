import { request } from 'node:http'

/**
 * Asks `GET /version` on a Unix socket; true when it is answered.
 *
 * On a member's client socket etcd answers only once the member has joined a cluster that has a
 * leader; on its peer socket as soon as the process is up.
 */
export function answersVersion(socketPath: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request({ socketPath, path: '/version', agent: false, timeout: timeoutMs })
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
