import {
  clientMessage,
  LabError,
  limits,
  protocolVersion,
  type ClientMessage,
} from '../../protocol/index.ts'

/** A frame as it was understood: a message, or why it is none, with its id where it has one. */
export type Frame =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly id: number | null; readonly error: LabError }

/** Never throws, whatever comes. */
export function readFrame(data: Buffer, isBinary: boolean): Frame {
  if (isBinary) return refuse(null, badFrame('expected a text frame, got a binary one'))
  if (data.length > limits.frameBytes) return refuse(null, frameTooLarge(data.length))
  const value = parseJson(data)
  if (value === undefined) return refuse(null, badFrame('expected JSON'))
  if (isOtherHello(value)) return refuse(idOf(value), otherProtocol())
  const parsed = clientMessage.safeParse(value)
  if (parsed.success) return { ok: true, message: parsed.data }
  return refuse(idOf(value), badFrame(describeIssue(parsed.error.issues[0])))
}

function otherProtocol(): LabError {
  return new LabError(
    'PROTOCOL_VERSION',
    `The server speaks version ${protocolVersion} of the protocol; load the page again`,
    { details: { protocol: protocolVersion } },
  )
}

function refuse(id: number | null, error: LabError): Frame {
  return { ok: false, id, error }
}

function badFrame(reason: string): LabError {
  return new LabError('BAD_FRAME', `Not a message of this protocol: ${reason}`)
}

function frameTooLarge(bytes: number): LabError {
  const message = `The message has ${bytes} bytes, ${limits.frameBytes} are allowed`
  return new LabError('FRAME_TOO_LARGE', message, { details: { bytes, max: limits.frameBytes } })
}

/** `undefined` is no JSON value, so it can stand for "not JSON". */
function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'))
  } catch {
    // That it cannot be parsed is the answer.
    return undefined
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function idOf(value: unknown): number | null {
  const id = fieldOf(value, 'id')
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null
}

/** The hello of another version may have other fields; it still deserves the right answer. */
function isOtherHello(value: unknown): boolean {
  return fieldOf(value, 'type') === 'hello' && fieldOf(value, 'protocol') !== protocolVersion
}

function describeIssue(
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): string {
  if (issue === undefined) return 'unknown'
  const where = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  return `${issue.message}${where}`.slice(0, 200)
}
