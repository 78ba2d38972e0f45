import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const docs = join(import.meta.dirname, '../../content/docs')

export interface Heading {
  readonly level: number
  readonly text: string
  /** As Starlight makes it: what follows `#` in a link. */
  readonly id: string
}

export interface Page {
  /** Shared by both languages; '' is the home page. */
  readonly slug: string
  readonly language: 'en' | 'zh-CN'
  /** Path below content/docs, for messages. */
  readonly file: string
  readonly frontmatter: string
  /** Everything after the frontmatter, code blocks included. */
  readonly body: string
  /** The body without code blocks, imports and inline code: what a reader reads as prose. */
  readonly prose: string
}

function readPage(file: string): Page {
  const text = readFileSync(join(docs, file), 'utf8')
  const [, frontmatter = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  const chinese = file.startsWith('zh-cn/')
  const slug = file.replace(/^zh-cn\//, '').replace(/\.mdx?$/, '')
  return {
    slug: slug === 'index' ? '' : slug,
    language: chinese ? 'zh-CN' : 'en',
    file,
    frontmatter,
    body,
    prose: body.replace(/```[\s\S]*?```/g, '').replace(/^import .*$/gm, ''),
  }
}

export const pages: readonly Page[] = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.mdx?$/.test(file))
  .map((file) => readPage(relative('.', file)))

export const englishPages = pages.filter((page) => page.language === 'en')

export function twinOf(page: Page): Page | undefined {
  return pages.find((other) => other.slug === page.slug && other.language !== page.language)
}

export function headingsOf(page: Page): Heading[] {
  return [...page.prose.matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', text = '']) => ({
    level: marks.length,
    text,
    id: slugOf(text),
  }))
}

/** What github-slugger does to a heading: https://github.com/Flet/github-slugger */
function slugOf(text: string): string {
  return text
    .replace(/[`*_]/g, '')
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation} -]/gu, '')
    .replace(/ /g, '-')
}

/** Names and ids of the components on a page, in order: `Command:kill-leader`. */
export function componentsOf(page: Page): string[] {
  return [...page.prose.matchAll(/<([A-Z]\w+)\b([^>]*)/g)].map(([, name = '', attributes = '']) => {
    const id = /\b(?:id|name|series|page|number|slot)=["{]([^"}]+)/.exec(attributes)?.[1]
    return id === undefined ? name : `${name}:${id}`
  })
}
