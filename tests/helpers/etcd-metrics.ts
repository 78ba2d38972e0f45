import { request } from 'node:http'
import { addressOf } from './json-gateway.ts'

const answerMs = 5000

/** Ranges that these members have answered to clients since they started. */
export async function countRanges(clientUrls: readonly string[]): Promise<number> {
  const name = 'grpc_server_handled_total'
  const counts = await Promise.all(
    clientUrls.map((url) => readMetric(url, name, 'grpc_method="Range"')),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * One metric as this member tells it (`/metrics`): the sum over all its labels, or over those lines
 * that have the label asked for.
 */
export async function readMetric(clientUrl: string, name: string, label = ''): Promise<number> {
  const text = await readMetrics(clientUrl)
  const lines = text.split('\n').filter((line) => isOf(name, line) && line.includes(label))
  if (lines.length === 0) throw new Error(`${clientUrl} has no metric ${name} ${label}`)
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

function isOf(name: string, line: string): boolean {
  return line.startsWith(`${name} `) || line.startsWith(`${name}{`)
}

function readMetrics(clientUrl: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { path: '/metrics', agent: false, timeout: answerMs }
    const asking = request({ ...addressOf(clientUrl), ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    asking.on('timeout', () => asking.destroy(new Error(`no metrics within ${answerMs} ms`)))
    asking.on('error', reject)
    asking.end()
  })
}
