import { createHash } from 'node:crypto'

/** Words of one diagram in one language; `labels` fill the `{{name}}` places of the source. */
export interface DiagramWords {
  /** Becomes accTitle: the SVG's `<title>`. */
  readonly title: string
  /** Becomes accDescr, and the text alternative below the figure: the same facts, as sentences. */
  readonly description: string
  readonly caption: string
  readonly labels: Readonly<Record<string, string>>
}

/** `content/diagrams/<name>.json`: the words in every language of the site. */
export type DiagramLanguages = Readonly<Record<'en' | 'zh-CN', DiagramWords>>

const languages = ['en', 'zh-CN'] as const

/** Reads `content/diagrams/<name>.json`; throws with what is missing. */
export function parseDiagramWords(text: string): DiagramLanguages {
  const value: unknown = JSON.parse(text)
  if (!isWords(value)) {
    throw new Error(`a diagram needs title, description, caption and labels in ${languages.join()}`)
  }
  return value
}

function isWords(value: unknown): value is DiagramLanguages {
  const has = (object: unknown, key: string, type: string) =>
    typeof object === 'object' && object !== null && typeof Reflect.get(object, key) === type
  return languages.every((language) => {
    const said: unknown = has(value, language, 'object') && Reflect.get(Object(value), language)
    const texts = ['title', 'description', 'caption'].every((key) => has(said, key, 'string'))
    return texts && has(said, 'labels', 'object')
  })
}

/**
 * Raised when the renderer or its palette changes in a way that shows, so that every stored SVG
 * counts as out of date.
 */
const rendererVersion = 2

/** Fills the places of a Mermaid source. A place without a word, or the reverse, is an error. */
export function expandDiagram(source: string, words: DiagramWords): string {
  const used = new Set<string>()
  const filled = source.replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
    used.add(key)
    const word = words.labels[key]
    if (word === undefined) throw new Error(`the diagram has no word for {{${key}}}`)
    return word
  })
  const unused = Object.keys(words.labels).filter((key) => !used.has(key))
  if (unused.length > 0) throw new Error(`the diagram does not use ${unused.join(', ')}`)
  const [kind, ...rest] = filled.trimEnd().split('\n')
  const access = [`  accTitle: ${words.title}`, `  accDescr: ${words.description}`]
  return [kind, ...access, ...rest].join('\n') + '\n'
}

/** File name of the SVG that belongs to exactly this source. */
export function svgFileName(name: string, language: string, expanded: string): string {
  const hash = createHash('sha256').update(`${rendererVersion}\n${expanded}`).digest('hex')
  return `${name}.${language}.${hash.slice(0, 12)}.svg`
}
