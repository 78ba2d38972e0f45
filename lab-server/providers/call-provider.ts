import { request, type IncomingMessage } from 'node:http'
import type { CallOutcome } from './provider-control.ts'
import { providerAnswer, providerHost } from './provider-contract.ts'

export interface CallOptions {
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

/** An answer is some 30 bytes; what is longer comes from somebody else. */
const answerBytes = 1024

/** One request on a connection of its own to the provider that calls itself `provider`. */
export async function callProvider(
  provider: string,
  port: number,
  { deadlineMs, signal }: CallOptions,
): Promise<CallOutcome> {
  const started = performance.now()
  const late = AbortSignal.timeout(deadlineMs)
  const took = () => performance.now() - started
  try {
    const body = await send(port, AbortSignal.any([signal, late]))
    const read = providerAnswer.safeParse(parseJson(body))
    if (!read.success || read.data.name !== provider) {
      return { kind: 'broken', provider, ms: took() }
    }
    return { kind: 'answered', provider, count: read.data.count, ms: took() }
  } catch (error) {
    signal.throwIfAborted()
    if (late.aborted) return { kind: 'late', provider, ms: took() }
    return { kind: isRefusal(error) ? 'refused' : 'broken', provider, ms: took() }
  }
}

function send(port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ host: providerHost, port, path: '/', agent: false, signal })
    call.once('error', reject)
    call.once('response', (response) => {
      readBody(response).then(resolve, reject)
    })
    call.end()
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of response.setEncoding('utf8')) {
    body += String(piece)
    if (body.length > answerBytes) throw new Error('The answer is too long')
  }
  if (response.statusCode !== 200) throw new Error(`The answer is ${response.statusCode}`)
  return body
}

/** Undefined for what is no JSON: no answer that a provider gives. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}
