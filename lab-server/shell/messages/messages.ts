import type { Locale } from '../../../protocol/index.ts'
import { en, type Messages } from './en.ts'
import { zhCn } from './zh-cn.ts'

const catalogues: Readonly<Record<Locale, Messages>> = { en, 'zh-CN': zhCn }

export function messagesFor(locale: Locale): Messages {
  return catalogues[locale]
}
