import { LabError, type ErrorCode, type Locale } from '../../protocol/index.ts'
import { readRefusal } from '../registry/instance-problem.ts'
import { readLimitReached } from '../registry/naive/naive-limits.ts'
import { en, type Messages } from './messages/en.ts'
import { messagesFor } from './messages/messages.ts'

/** An error whose words are ours, so that they exist in both languages. `message` is English. */
export class ShellError extends LabError {
  readonly text: (m: Messages) => string

  constructor(
    code: ErrorCode,
    text: (m: Messages) => string,
    options: ConstructorParameters<typeof LabError>[2] = {},
  ) {
    super(code, text(en), options)
    this.text = text
  }
}

/**
 * What the terminal says of an error; it is that of a lab, unless there is a program. A refused
 * instance is told in the reader's language. Words of etcd and of the layers below stay as they
 * came; for a Chinese reader a Chinese sentence for the code stands before them.
 */
export function describeError(
  error: LabError,
  locale: Locale,
  { program }: { readonly program: object | null } = { program: null },
): string {
  const m = messagesFor(locale)
  if (error instanceof ShellError) return error.text(m)
  const refusal = error.code === 'INVALID_INSTANCE' ? readRefusal(error.details) : null
  if (refusal !== null) return m.refusal(refusal)
  const reached = error.code === 'NAIVE_LIMIT' ? readLimitReached(error.details) : null
  if (reached !== null) return m.naive.limits[reached.what](reached)
  if (error.code === 'INTERNAL') {
    return (program === null ? m.errors.INTERNAL : m.program.internal) ?? error.message
  }
  const sentence = locale === 'en' ? undefined : m.errors[error.code]
  return sentence === undefined ? error.message : m.errorWithOriginal(sentence, error.message)
}
