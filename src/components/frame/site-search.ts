/** The part of Pagefind's browser API that is used here: https://pagefind.app/docs/api/ */
interface Pagefind {
  init(): Promise<void>
  debouncedSearch(query: string): Promise<{ results: { data(): Promise<PageResult> }[] } | null>
}
interface SubResult {
  url: string
  title: string
  /** HTML from the index: text with `<mark>`, everything else escaped by Pagefind. */
  excerpt: string
}
interface PageResult extends SubResult {
  meta: { title?: string }
  sub_results: SubResult[]
}

const pagesShown = 8
const sectionsShown = 3

/** `<site-search>`: opens with its button or Ctrl/⌘ K, arrow keys walk the results. */
export class SiteSearch extends HTMLElement {
  #pagefind: Promise<Pagefind> | null = null
  #query = ''

  connectedCallback(): void {
    const dialog = this.#part('dialog', HTMLDialogElement)
    const input = this.#part('input', HTMLInputElement)
    this.#part('[data-open]', HTMLButtonElement).addEventListener('click', () => this.#open())
    this.#part('[data-close]', HTMLButtonElement).addEventListener('click', () => dialog.close())
    input.addEventListener('input', () => void this.#search(input.value.trim()))
    dialog.addEventListener('keydown', (event) => this.#walk(event))
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close()
      if (event.target instanceof Element && event.target.closest('a')) dialog.close()
    })
    addEventListener('keydown', (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'k') return
      if (event.target instanceof Element && event.target.closest('.xterm')) return
      event.preventDefault()
      if (dialog.open) dialog.close()
      else this.#open()
    })
  }

  #part<T extends Element>(selector: string, type: new () => T): T {
    const found = this.querySelector(selector)
    if (!(found instanceof type)) throw new Error(`site-search has no ${selector}`)
    return found
  }

  #open(): void {
    this.#part('dialog', HTMLDialogElement).showModal()
    this.#part('input', HTMLInputElement).select()
    void this.#load().catch(() => this.#say(this.dataset['failed'] ?? ''))
  }

  #load(): Promise<Pagefind> {
    this.#pagefind ??= (async () => {
      const url = `${import.meta.env.BASE_URL.replace(/\/$/, '')}/pagefind/pagefind.js`
      const pagefind = (await import(/* @vite-ignore */ url)) as Pagefind
      await pagefind.init()
      return pagefind
    })()
    return this.#pagefind
  }

  async #search(query: string): Promise<void> {
    this.#query = query
    const list = this.#part('ol', HTMLOListElement)
    if (query === '') {
      list.replaceChildren()
      this.#say('')
      return
    }
    try {
      const found = await (await this.#load()).debouncedSearch(query)
      if (found === null) return
      const pages = await Promise.all(found.results.slice(0, pagesShown).map((r) => r.data()))
      if (query !== this.#query) return
      list.replaceChildren(...pages.flatMap(entriesOf))
      this.#say(this.#countOf(found.results.length))
    } catch {
      this.#say(this.dataset['failed'] ?? '')
    }
  }

  #countOf(count: number): string {
    const words = [this.dataset['empty'], this.dataset['one']][count] ?? this.dataset['many'] ?? ''
    return words.replace('{count}', String(count))
  }

  #say(text: string): void {
    this.#part('[role=status]', HTMLElement).textContent = text
  }

  #walk(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    const stops = [...this.querySelectorAll<HTMLElement>('input, ol a')]
    const at = stops.findIndex((stop) => stop === document.activeElement)
    stops[Math.min(Math.max(at + step, 0), stops.length - 1)]?.focus()
    event.preventDefault()
  }
}

function entriesOf(page: PageResult): HTMLLIElement[] {
  const sections = page.sub_results
    .filter((part) => part.url !== page.url && !part.url.endsWith('#_top'))
    .slice(0, sectionsShown)
  return [
    entry(page.url, page.meta.title ?? page.url, page.excerpt, ''),
    ...sections.map((part) => entry(part.url, part.title, part.excerpt, 'under')),
  ]
}

function entry(url: string, title: string, excerpt: string, className: string): HTMLLIElement {
  const item = document.createElement('li')
  const link = document.createElement('a')
  const heading = document.createElement('strong')
  const text = document.createElement('span')
  item.className = className
  link.href = url
  heading.textContent = title
  text.innerHTML = excerpt
  link.append(heading, text)
  item.append(link)
  return item
}
