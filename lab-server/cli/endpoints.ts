import { makeVisibleInline } from '../shell/sanitize.ts'
import { ShellError } from '../shell/shell-error.ts'

/** Where etcd listens unless it was told otherwise. */
export const defaultEndpoint = 'http://127.0.0.1:2379'

const address = /^(?:(https?):\/\/)?(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/i

/**
 * Endpoints separated by commas, as the etcd client takes them: `http://host:port`,
 * `https://host:port` or `unix:///path`. Without a scheme it is http, without a port etcd's own.
 * Throws `USAGE`.
 */
export function parseEndpoints(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim())
  const endpoints = parts.filter((part) => part !== '').map(parseEndpoint)
  if (endpoints.length === 0) throw notAnEndpoint(text)
  return [...new Set(endpoints)]
}

function parseEndpoint(text: string): string {
  if (/^unix:\/\/\/[^\s]/.test(text)) return text
  const [, scheme, host, port] = address.exec(text) ?? []
  // A word alone is more likely a slip than a host.
  if (host === undefined || (scheme === undefined && port === undefined)) throw notAnEndpoint(text)
  const number = Number(port ?? '2379')
  if (number < 1 || number > 65_535) throw notAnEndpoint(text)
  return `${(scheme ?? 'http').toLowerCase()}://${host}:${String(number)}`
}

function notAnEndpoint(text: string): ShellError {
  const value = makeVisibleInline(text)
  return new ShellError('USAGE', (m) => m.program.endpoint({ value }))
}
