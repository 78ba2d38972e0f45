import type { Locale } from '../../protocol/index.ts'

/**
 * What the program itself takes from its environment; options on the command line go before it.
 * `MING_REGISTRY_…` is read with the other settings of the registry.
 */
export interface Environment {
  readonly locale: Locale
  /** False when NO_COLOR is set (https://no-color.org). */
  readonly mayColour: boolean
}

/** Only set and not empty counts, as in a shell. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const language = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || ''
  return {
    locale: /^zh(?:[-_.@]|$)/i.test(language) ? 'zh-CN' : 'en',
    mayColour: !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  }
}
