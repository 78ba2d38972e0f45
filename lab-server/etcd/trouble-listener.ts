import type { LabError } from '../../protocol/index.ts'

/** Whoever wants to know what goes wrong in the background. What it returns, a promise too, is its own. */
type TroubleListener = (error: LabError) => unknown

/** Those that have been reported; one callback may be guarded at more than one place. */
const reported = new WeakSet<TroubleListener>()

/**
 * The same callback for loops that must go on whatever it does: what it throws, or rejects with,
 * becomes a warning of the process (https://nodejs.org/api/process.html#processemitwarningwarning-options),
 * the first time.
 */
export function guardListener(
  listener: TroubleListener = () => undefined,
): (error: LabError) => void {
  const report = (thrown: unknown) => {
    if (reported.has(listener)) return
    reported.add(listener)
    process.emitWarning(
      'onTrouble threw; the registry carries on. Further throws are not reported',
      {
        type: 'MingRegistryWarning',
        detail: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
      },
    )
  }
  return (error) => {
    try {
      const result = listener(error)
      if (result instanceof Promise) result.catch(report)
    } catch (thrown) {
      report(thrown)
    }
  }
}
