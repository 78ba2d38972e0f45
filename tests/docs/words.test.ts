import { describe, expect, test } from 'vitest'
import comparison from '../../content/data/comparison.json' with { type: 'json' }
import faults from '../../content/data/original-faults.json' with { type: 'json' }
import en from '../../content/i18n/en.json' with { type: 'json' }
import zh from '../../content/i18n/zh-CN.json' with { type: 'json' }
import { pages } from './pages.ts'

const placesOf = (text: string) => (text.match(/\{\{?\w+\}?\}/g) ?? []).sort()
const chinese: Readonly<Record<string, string>> = zh

describe('the words of the interface', () => {
  test('exist in both languages', () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort())
  })

  test('are only blank where the English is (a blank between sentences)', () => {
    const blank = Object.entries(en)
      .filter(([key, text]) => text.trim() !== '' && (chinese[key] ?? '').trim() === '')
      .map(([key]) => key)
    expect(blank).toEqual([])
  })

  test('take the same values in both languages', () => {
    const different = Object.entries(en)
      .filter(([key, text]) => String(placesOf(text)) !== String(placesOf(chinese[key] ?? '')))
      .map(([key]) => key)
    expect(different).toEqual([])
  })
})

/** The words alone: a letter stands for code and for each tag, link targets go, lines stay. */
function proseOf(text: string): string {
  const stand = (match: string) => 'x' + match.replace(/[^\n]/g, '')
  return text
    .replace(/`[^`]*`/g, stand)
    .replace(/<[^>]*>/g, stand)
    .replace(/\]\([^)]*\)/g, ']')
}

/** Chinese text that a reader sees, and where it stands. */
const chineseTexts: readonly (readonly [string, string])[] = [
  ...pages
    .filter((page) => page.language === 'zh-CN')
    .flatMap((page) =>
      proseOf(`${page.frontmatter}\n${page.prose}`)
        .split('\n')
        .map((line, index) => [`${page.file} line ${String(index + 1)}`, line] as const),
    ),
  ...Object.entries(zh).map(([key, text]) => [`zh-CN.json ${key}`, proseOf(text)] as const),
  ...faults.map(
    ({ name, title, symptom, design, peers }) =>
      [
        `original-faults ${name}`,
        [title, symptom, design, ...peers.map((peer) => peer.says)]
          .map((text) => text['zh-CN'])
          .join('\n'),
      ] as const,
  ),
  ...comparison.rows.flatMap((row) =>
    Object.entries(row.cells).map(
      ([system, cell]) => [`comparison ${row.id}/${system}`, cell.says['zh-CN']] as const,
    ),
  ),
]

const han = '\\p{Script=Han}'
const slips: readonly (readonly [string, RegExp])[] = [
  ['half-width punctuation after a Chinese character', new RegExp(`${han}\\s*[,;:!?](?!\\w)`, 'u')],
  ['half-width brackets around Chinese', new RegExp(`\\(${han}|${han}\\)`, 'u')],
  ['straight quotation marks around Chinese', new RegExp(`"${han}|${han}"`, 'u')],
  ['three dots instead of ……', new RegExp(`${han}\\.\\.\\.`, 'u')],
  ['a blank before full-width punctuation', /\s[，。；：！？、）]/u],
  ['doubled full-width punctuation', /[，。；：、]{2}/u],
]

describe('Chinese text', () => {
  test.each(slips)('has no %s', (_, slip) => {
    const found = chineseTexts.filter(([, text]) => slip.test(text))
    expect(found).toEqual([])
  })
})
