import { request } from 'node:http'
import { addressOf } from './json-gateway.ts'

/** The sum of one metric over all its labels, as this member tells it (`/metrics`). */
export async function readMetric(clientUrl: string, name: string): Promise<number> {
  const text = await readMetrics(clientUrl)
  const lines = text.split('\n').filter((line) => /^[{ ]/.test(line.slice(name.length)))
  const values = lines.filter((line) => line.startsWith(name)).map((line) => line.split(' ').at(-1))
  if (values.length === 0) throw new Error(`${clientUrl} has no metric ${name}`)
  return values.reduce((sum, value) => sum + Number(value), 0)
}

function readMetrics(clientUrl: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ ...addressOf(clientUrl), path: '/metrics' }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    asking.on('error', reject)
    asking.end()
  })
}
