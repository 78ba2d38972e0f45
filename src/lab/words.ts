import type { Locale } from '../../protocol/index.ts'

/** The reader's words by key; `{{name}}` in them stands for a value. */
export type Words = (key: string, values?: Readonly<Record<string, string | number>>) => string

/** Fetched once, when a lab is used: a page that is only read carries no words of the lab. */
const files: Record<Locale, () => Promise<{ default: Readonly<Record<string, string>> }>> = {
  en: () => import('../../content/i18n/en.json'),
  'zh-CN': () => import('../../content/i18n/zh-CN.json'),
}

export async function loadWords(locale: Locale): Promise<Words> {
  const { default: entries } = await files[locale]()
  return createWords(entries)
}

/** A missing key shows as itself: tests look for it, readers can report it. */
export function createWords(entries: Readonly<Record<string, string>>): Words {
  return (key, values = {}) => {
    const text = Object.hasOwn(entries, key) ? entries[key] : undefined
    return (text ?? key).replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) =>
      Object.hasOwn(values, name) ? String(values[name]) : placeholder,
    )
  }
}

/** The language of a page, from its `lang` attribute. */
export function localeOf(lang: string): Locale {
  return lang.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}
