import { ShellError } from './shell-error.ts'

/** A command that should end by itself is ended after this, seconds. */
const timeLimit = 60

/**
 * The signal a command runs under: it aborts with `signal`, and with `COMMAND_TIMEOUT` when the
 * command has run too long, unless it is one that runs until Ctrl-C. Dispose it when the command
 * has ended.
 */
export function limitTime(
  command: string,
  signal: AbortSignal,
  { endless }: { endless: boolean },
): Disposable & { readonly signal: AbortSignal } {
  if (endless) return { signal, [Symbol.dispose]: () => undefined }
  const over = new AbortController()
  const facts = { command, seconds: timeLimit }
  const timer = setTimeout(
    () => over.abort(new ShellError('COMMAND_TIMEOUT', (m) => m.shell.timeLimit(facts))),
    timeLimit * 1000,
  )
  return {
    signal: AbortSignal.any([signal, over.signal]),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
