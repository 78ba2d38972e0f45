import { request } from 'node:http'

/** A write that a dying leader took is lost without a word; whoever needs it tries again. */
const answerMs = 1500

/** Writes one key through etcd's JSON gateway; needs a leader. */
export async function putKey(clientUrl: string, key: string, value: string): Promise<void> {
  await post(clientUrl, '/v3/kv/put', { key: base64(key), value: base64(value) })
}

/** What this one member has under `key` in its own store, without asking the others. */
export async function localValue(clientUrl: string, key: string): Promise<string | null> {
  const answer = await post(clientUrl, '/v3/kv/range', { key: base64(key), serializable: true })
  const found: unknown = Reflect.get(answer, 'kvs')
  if (!Array.isArray(found) || found.length === 0) return null
  const first: unknown = found[0]
  const value: unknown = typeof first === 'object' && first ? Reflect.get(first, 'value') : null
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : null
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function post(clientUrl: string, path: string, body: object): Promise<object> {
  return new Promise((resolve, reject) => {
    const options = {
      ...addressOf(clientUrl),
      path,
      method: 'POST',
      agent: false,
      timeout: answerMs,
    }
    const asking = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        const parsed: unknown = JSON.parse(text)
        if (response.statusCode === 200 && typeof parsed === 'object' && parsed) resolve(parsed)
        else reject(new Error(`${path} answered ${String(response.statusCode)}: ${text}`))
      })
    })
    asking.on('timeout', () =>
      asking.destroy(new Error(`${path} did not answer within ${answerMs} ms`)),
    )
    asking.on('error', reject)
    asking.end(JSON.stringify(body))
  })
}

export function addressOf(
  clientUrl: string,
): { socketPath: string } | { host: string; port: string } {
  const unix = 'unix://'
  if (clientUrl.startsWith(unix)) return { socketPath: clientUrl.slice(unix.length) }
  const { hostname, port } = new URL(clientUrl)
  return { host: hostname, port }
}
