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

/**
 * Raised when the renderer or its palette changes in a way that shows, so that every stored SVG
 * counts as out of date.
 */
const rendererVersion = 1

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
