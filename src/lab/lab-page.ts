import type { Locale } from '../../protocol/index.ts'
import { CommandBlock } from './command-block.ts'
import { LabBar } from './lab-bar.ts'
import { LabClient } from './lab-client.ts'
import { Panel } from './panel.ts'
import { report } from './report.ts'
import { claimTabId } from './tab-id.ts'
import { openTerminal, preloadXterm, type TerminalView } from './terminal.ts'
import { browserStorage, createTokenStore } from './token-store.ts'
import { loadWords, type Words } from './words.ts'

/** Milliseconds a lab may take to be ready before a command block gives up waiting. */
const startMs = 60_000

/**
 * Everything of a page that uses the lab: one client, its terminals and panels, the commands.
 * Loaded by `boot.ts` when there is a lab or the reader asks for one.
 */
export class LabPage {
  readonly #client: LabClient
  readonly #words: Words
  readonly #tab: Promise<string>
  readonly #terminals = new Map<number, Promise<TerminalView>>()
  readonly #hosts = new Map<number, HTMLElement>()
  /** What stands in a terminal's element while no terminal is open in it. */
  readonly #waiting = new WeakMap<HTMLElement, readonly ChildNode[]>()
  readonly #mounted = new WeakMap<HTMLElement, { close(): void }>()
  readonly #commands = new WeakMap<HTMLElement, CommandBlock>()
  #focusFirst = false

  private constructor(client: LabClient, words: Words) {
    this.#client = client
    this.#words = words
    this.#tab = claimTabId()
    client.subscribe(() => this.#follow())
  }

  static async open(base: string, locale: Locale): Promise<LabPage> {
    const tokens = createTokenStore(base, browserStorage())
    const client = new LabClient({ base, socketUrl: socketUrl(base), locale, tokens })
    watchTheWorld(client, tokens.key)
    // The connection and the words need nothing of each other.
    client.open()
    return new LabPage(client, await loadWords(locale))
  }

  /** Brings one of our elements to life. Twice is harmless. */
  mount(part: HTMLElement): void {
    switch (part.localName) {
      case 'ming-lab':
        this.#mountOnce(part, () => this.#mountBar(part))
        return
      case 'ming-cluster':
        this.#mountOnce(part, () => this.#mountPanel(part))
        return
      case 'ming-terminal':
        this.#hosts.set(numberOf(part), part)
        if (!this.#waiting.has(part)) this.#waiting.set(part, [...part.childNodes])
        this.#openTerminals()
    }
  }

  /** The element left the page. */
  unmount(part: HTMLElement): void {
    this.#mounted.get(part)?.close()
    this.#mounted.delete(part)
    const number = numberOf(part)
    if (part.localName !== 'ming-terminal' || this.#hosts.get(number) !== part) return
    this.#hosts.delete(number)
    this.#closeTerminal(number, part)
  }

  #closeTerminal(number: number, host: HTMLElement | undefined): void {
    const view = this.#terminals.get(number)
    this.#terminals.delete(number)
    const close = (opened: TerminalView) => {
      opened.close()
      host?.replaceChildren(...(this.#waiting.get(host) ?? []))
    }
    view?.then(close).catch(alreadyReported)
  }

  /** The reader pressed "Start a lab". */
  startLab(): void {
    this.#focusFirst = true
    void this.#client.createLab()
    if (this.#hosts.size > 0) preloadXterm().catch(alreadyReported)
  }

  /** The reader pressed "Look again". */
  lookAgain(): void {
    this.#client.check()
  }

  /** The reader pressed Run. */
  runCommand(block: HTMLElement, line: string): void {
    const command = this.#commands.get(block) ?? this.#makeCommand(block, line)
    command.run().catch((error: unknown) => report(`"${line}" could not be run`, error))
  }

  #makeCommand(block: HTMLElement, line: string): CommandBlock {
    const command = new CommandBlock({
      block,
      line,
      client: this.#client,
      words: this.#words,
      terminal: () => this.#terminalFor(block),
      startLab: () => this.#startAndWait(),
    })
    this.#commands.set(block, command)
    return command
  }

  async #startAndWait(): Promise<boolean> {
    const client = this.#client
    if (client.state().lab?.phase !== 'starting') await client.createLab()
    return new Promise((resolve) => {
      const finish = (ready: boolean) => {
        stop()
        clearTimeout(timer)
        resolve(ready)
      }
      const look = () => {
        const { lab, error } = client.state()
        if (lab?.phase === 'ready') finish(true)
        else if (lab?.phase === 'gone' || (!lab && error)) finish(false)
      }
      const stop = client.subscribe(look)
      const timer = setTimeout(() => finish(false), startMs)
      look()
    })
  }

  /**
   * The terminal that the block asks for, else the first of the page; a page without one gets it
   * under the block.
   */
  async #terminalFor(block: HTMLElement): Promise<TerminalView> {
    if (this.#hosts.size === 0) {
      const made = document.createElement('ming-terminal')
      made.className = 'ming-terminal not-content'
      made.dataset['number'] = '1'
      block.after(made)
      this.mount(made)
    }
    const wanted = Number(block.dataset['terminal'])
    const number = this.#hosts.has(wanted) ? wanted : Math.min(...this.#hosts.keys())
    const view = await this.#open(number)
    const host = this.#hosts.get(number)
    const smooth = !matchMedia('(prefers-reduced-motion: reduce)').matches
    host?.scrollIntoView({ block: 'nearest', behavior: smooth ? 'smooth' : 'instant' })
    return view
  }

  #follow(): void {
    const absent = this.#client.state().connection === 'absent'
    document.documentElement.dataset['mingLab'] = absent ? 'absent' : 'here'
    this.#openTerminals()
  }

  /** Terminals open when a lab begins, so that they are there when it is ready. */
  #openTerminals(): void {
    const { lab } = this.#client.state()
    if (lab === null || (lab.phase === 'gone' && lab.reason === 'ended')) this.#closeTerminals()
    if (lab?.phase !== 'starting' && lab?.phase !== 'ready') return
    for (const number of this.#hosts.keys()) this.#open(number).catch(alreadyReported)
    this.#focusFirstTerminal()
  }

  /** The reader is done with this lab. One that ended by itself leaves its last words to read. */
  #closeTerminals(): void {
    for (const number of [...this.#terminals.keys()]) {
      this.#closeTerminal(number, this.#hosts.get(number))
    }
  }

  /** Who has just started a lab will type next: the terminal takes the keyboard once it can. */
  #focusFirstTerminal(): void {
    if (!this.#focusFirst || this.#hosts.size === 0) return
    this.#focusFirst = false
    const opening = this.#open(Math.min(...this.#hosts.keys()))
    opening.then((terminal) => terminal.focus()).catch(alreadyReported)
  }

  #open(number: number): Promise<TerminalView> {
    const known = this.#terminals.get(number)
    if (known) return known
    const opening = this.#openHost(number)
    this.#terminals.set(number, opening)
    opening.catch((error: unknown) => {
      report(`terminal ${number} could not be opened`, error)
      this.#terminals.delete(number)
    })
    return opening
  }

  async #openHost(number: number): Promise<TerminalView> {
    const host = this.#hosts.get(number)
    if (!host) throw new Error(`there is no terminal ${number} on this page`)
    const id = `${await this.#tab}-${number}`
    return openTerminal({ host, client: this.#client, words: this.#words, id, number })
  }

  #mountOnce(part: HTMLElement, make: () => { close(): void }): void {
    if (!this.#mounted.has(part)) this.#mounted.set(part, make())
  }

  #mountBar(lab: HTMLElement): LabBar {
    const host = lab.querySelector<HTMLElement>('[data-lab-bar]')
    if (!host) throw new Error('<ming-lab> has no element with data-lab-bar')
    const [client, words] = [this.#client, this.#words]
    return new LabBar({ lab, host, client, words, onStart: () => this.startLab() })
  }

  /** The still picture stands where there is no lab whose snapshots could be drawn. */
  #mountPanel(host: HTMLElement): { close(): void } {
    const still = [...host.childNodes]
    const client = this.#client
    let panel: Panel | null = null
    const closePanel = () => {
      panel?.close()
      panel = null
      host.replaceChildren(...still)
    }
    const stopWatching = client.watchCluster((snapshot) => {
      if (client.state().lab?.phase !== 'ready') return
      panel ??= new Panel({
        host,
        words: this.#words,
        faults: client.state().server?.cluster !== 'endpoints',
        fault: (action, target) => client.fault(action, target),
      })
      panel.show(snapshot)
    })
    const stopFollowing = client.subscribe(({ lab, connection }) => {
      if (panel && lab?.phase !== 'ready') closePanel()
      panel?.setConnected(connection === 'open')
    })
    return {
      close: () => {
        stopWatching()
        stopFollowing()
        closePanel()
      },
    }
  }
}

/** Opening a terminal reports its own failure, wherever else its promise is waited for. */
function alreadyReported(): void {
  return
}

function numberOf(part: HTMLElement): number {
  return Number(part.dataset['number'] ?? 1)
}

function socketUrl(base: string): string {
  const url = new URL(`${base}ws`, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}

/** What happens outside the page and concerns its connection: sleep, network, other tabs. */
function watchTheWorld(client: LabClient, tokenKey: string): void {
  document.addEventListener('visibilitychange', () => {
    client.setVisible(document.visibilityState === 'visible')
  })
  addEventListener('online', () => client.check())
  addEventListener('pageshow', (event) => {
    if (event.persisted) client.check()
  })
  addEventListener('storage', (event) => {
    if (event.key === tokenKey) client.adoptToken(event.newValue)
  })
}
