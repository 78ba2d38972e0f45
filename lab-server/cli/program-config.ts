import { readFileSync } from 'node:fs'
import { readRegistryConfig } from '../registry/registry-config.ts'
import { flagsLayout } from '../registry/registry-layouts.ts'
import { makeVisibleInline } from '../shell/sanitize.ts'
import { ShellError } from '../shell/shell-error.ts'
import type { Invocation } from './global-options.ts'

/** Shorter than a library's: somebody sits there and waits. */
const defaultTimeoutMs = 5000

/**
 * The registry that the command line, the environment and the file of `--config` name. Throws
 * `CONFIG` with every problem.
 */
export function readProgramConfig(
  { values }: Invocation,
  env: Readonly<Record<string, string | undefined>>,
): ReturnType<typeof readRegistryConfig> {
  const given = [...values].map(([name, value]) => [`--${name}`, value] as const)
  const file = values.get('config')
  return readRegistryConfig({
    flags: Object.fromEntries(given.filter(([flag]) => Object.hasOwn(flagsLayout, flag))),
    env,
    defaults: { timeoutMs: defaultTimeoutMs },
    ...(file !== undefined && { file: { name: file, text: readText(file) } }),
  })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = makeVisibleInline(cause instanceof Error ? cause.message : String(cause))
    throw new ShellError('CONFIG', (m) => m.program.unreadable({ reason }), { cause })
  }
}
