import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import english from '../../content/i18n/en.json' with { type: 'json' }
import chinese from '../../content/i18n/zh-CN.json' with { type: 'json' }
import { errorCodes } from '../../protocol/index.ts'
import { createWords, localeOf } from './words.ts'

const languages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  en: english,
  'zh-CN': chinese,
}

/** Keys in the sources; those with a value in the middle match several words. */
function usedKeys(): RegExp[] {
  const folders = ['src/lab/', 'src/components/lab/']
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /(?<!\.test)\.ts$|\.astro$/.test(name))
      .map((name) => readFileSync(folder + name, 'utf8')),
  )
  // Messages of the protocol have names like `lab.end`, too.
  const key = /(?<!type: )(?:'((?:lab|errors)\.[^']+)'|`((?:lab|errors)\.[^`]+)`)/g
  const keys = texts.flatMap((text) => [...text.matchAll(key)].map((one) => one[1] ?? one[2] ?? ''))
  return keys.map((one) => {
    const pattern = one
      .replace(/\$\{.*?\}/g, '*')
      .replaceAll('.', '\\.')
      .replaceAll('*', '.*')
    return new RegExp(`^${pattern}$`)
  })
}

describe('the words of the lab', () => {
  it('puts values in and leaves unknown keys to be seen', () => {
    const words = createWords({ 'a.b': '{{n}} of {{total}}, {{n}}' })
    expect(words('a.b', { n: 2, total: 3 })).toBe('2 of 3, 2')
    expect(words('a.b', { n: 2 })).toBe('2 of {{total}}, 2')
    expect(words('no.such')).toBe('no.such')
    expect(words('toString')).toBe('toString')
  })

  it('knows the language of a page', () => {
    expect(localeOf('zh-CN')).toBe('zh-CN')
    expect(localeOf('zh')).toBe('zh-CN')
    expect(localeOf('en')).toBe('en')
  })

  it.each(Object.keys(languages))('has a hint for every error code in %s', (language) => {
    const missing = errorCodes.filter((code) => !languages[language]?.[`errors.${code}`])
    expect(missing).toEqual([])
  })

  it.each(Object.keys(languages))('has every word that the sources use in %s', (language) => {
    const keys = usedKeys()
    expect(keys.length).toBeGreaterThan(80)
    const known = Object.keys(languages[language] ?? {})
    const missing = keys.filter((key) => !known.some((one) => key.test(one)))
    expect(missing).toEqual([])
  })

  it('has no word of the lab that nothing uses', () => {
    const used = usedKeys()
    const unused = Object.keys(english).filter(
      (key) => /^(lab|errors)\./.test(key) && !used.some((one) => one.test(key)),
    )
    expect(unused).toEqual([])
  })

  it('uses the same values in both languages', () => {
    const values = (text: string) => [...text.matchAll(/\{\{\w+\}\}/g)].map(String).sort()
    for (const [key, text] of Object.entries(english)) {
      if (!/^(lab|errors)\./.test(key)) continue
      expect(values(languages['zh-CN']?.[key] ?? ''), key).toEqual(values(text))
    }
  })
})
