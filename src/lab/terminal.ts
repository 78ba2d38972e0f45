import type { ITerminalOptions, Terminal } from '@xterm/xterm'
import { limits, type TerminalEntry, type WireError } from '../../protocol/index.ts'
import { copyText } from './clipboard.ts'
import { completionLines } from './completion-list.ts'
import { button, element, setText } from './dom.ts'
import { errorHint } from './error-hint.ts'
import { parseKeys, type Key } from './keys.ts'
import { wireErrorOf, type LabClient, type TerminalLink } from './lab-client.ts'
import { complete, emptyLine, press, type LineState } from './line-editor.ts'
import { drawLine, eraseLine, type DrawnLine, type LineView } from './line-layout.ts'
import { readTheme } from './terminal-theme.ts'
import { nothingAhead, typeAhead, type TypeAhead } from './type-ahead.ts'
import { drawEntries, emptyTranscript, promptOf, type Transcript } from './transcript.ts'
import type { Words } from './words.ts'

export interface TerminalOptions {
  /** The terminal builds itself inside this element and empties it on close. */
  readonly host: HTMLElement
  readonly client: LabClient
  readonly words: Words
  /** Name of the terminal on the server. */
  readonly id: string
  /** Its number on the page, from 1, as the reader sees it. */
  readonly number: number
}

/** `away`: nobody to type to. `sending`: a line is on its way. */
type Mode = 'away' | 'idle' | 'sending' | 'running'

const screenReaderKey = 'ming-lab:screen-reader'

/** Fetches xterm ahead of its first use. */
export async function preloadXterm() {
  const { loadXterm } = await import('./xterm.ts')
  return loadXterm()
}

/** Loads xterm and opens a terminal of the lab in `host`. */
export async function openTerminal(options: TerminalOptions): Promise<TerminalView> {
  const [xterm] = await Promise.all([preloadXterm(), loadFont(options.host)])
  const fit = new xterm.FitAddon()
  const screen = new xterm.Terminal(screenOptions(options.host))
  screen.loadAddon(fit)
  screen.loadAddon(new xterm.UnicodeGraphemesAddon())
  return new TerminalView(options, screen, () => fit.proposeDimensions())
}

function loadFont(host: HTMLElement): Promise<unknown> {
  const { fontFamily } = screenFont(host)
  // A font that does not come leaves the system's own: never a reason for no terminal.
  return document.fonts.load(`14px ${fontFamily}`).catch(() => [])
}

function screenFont(host: HTMLElement): { fontFamily: string; fontSize: number } {
  const style = getComputedStyle(host)
  return {
    fontFamily: style.getPropertyValue('--ming-font-mono').trim() || 'monospace',
    fontSize: Number.parseFloat(style.getPropertyValue('--ming-term-size')) || 14,
  }
}

function screenOptions(host: HTMLElement): ITerminalOptions {
  return {
    ...screenFont(host),
    // The width rules of graphemes are a proposed API of xterm.
    allowProposedApi: true,
    convertEol: true,
    cursorBlink: false,
    cursorInactiveStyle: 'outline',
    lineHeight: 1.25,
    // Programs choose colours without knowing our paper.
    minimumContrastRatio: 4.5,
    screenReaderMode: readScreenReaderMode(),
    scrollback: 5000,
    theme: readTheme(host),
  }
}

function readScreenReaderMode(): boolean {
  try {
    return localStorage.getItem(screenReaderKey) === 'on'
  } catch {
    // Storage is blocked: the mode lasts as long as the page.
    return false
  }
}

function keepScreenReaderMode(on: boolean): void {
  try {
    localStorage.setItem(screenReaderKey, on ? 'on' : 'off')
  } catch {
    // Storage is blocked: the mode lasts as long as the page.
    return
  }
}

/**
 * One terminal on a page. The server keeps what was typed and printed as numbered entries; this
 * draws them, edits the line below them, and sends it.
 */
export class TerminalView {
  readonly #options: TerminalOptions
  readonly #words: Words
  readonly #screen: Terminal
  readonly #measure: () => { cols: number; rows: number } | undefined
  readonly #link: TerminalLink
  readonly #leave = new AbortController()
  readonly #hint = element('div', { class: 'ming-terminal-hint', role: 'status' })
  readonly #note = element('span', { class: 'ming-terminal-note', 'aria-live': 'polite' })
  readonly #mount = element('div', { class: 'ming-terminal-screen not-content' })
  readonly #freeListeners = new Set<() => void>()
  #mode: Mode = 'away'
  #transcript: Transcript = emptyTranscript
  #line: LineState = emptyLine()
  #ahead: TypeAhead = nothingAhead
  #sending: string | null = null
  #drawn: DrawnLine | null = null
  #resizing = false
  #leaving = false
  #wantsFocus = false

  constructor(
    options: TerminalOptions,
    screen: Terminal,
    measure: () => { cols: number; rows: number } | undefined,
  ) {
    this.#options = options
    this.#words = options.words
    this.#screen = screen
    this.#measure = measure
    this.#build()
    this.#listen()
    this.#setMode('away')
    this.#link = options.client.openTerminal(options.id, {
      onAttached: (info) => this.#onAttached(info),
      onEntries: (entries) => this.#onEntries(entries),
      onDetached: () => this.#onDetached(),
      onFailed: (error) => this.#showHint(error),
    })
  }

  /** The line that runs now; null when the terminal takes a new one. */
  running(): string | null {
    return this.#sending ?? this.#transcript.running
  }

  focus(): void {
    this.#wantsFocus = this.#mode === 'away'
    this.#screen.focus()
  }

  /** Runs a line as if it were typed; what the reader has typed so far stays. */
  run(line: string): void {
    this.#send(line)
  }

  async interrupt(): Promise<void> {
    try {
      await this.#link.interrupt()
    } catch (error) {
      this.#showHint(wireErrorOf(error))
    }
  }

  /** Resolves when the terminal can take a line. */
  whenFree(signal: AbortSignal): Promise<void> {
    if (this.#mode === 'idle') return Promise.resolve()
    return new Promise((resolve, reject) => {
      const stop = () => this.#freeListeners.delete(done)
      const done = () => {
        stop()
        resolve()
      }
      this.#freeListeners.add(done)
      signal.addEventListener('abort', () => {
        stop()
        reject(signal.reason instanceof Error ? signal.reason : new Error('given up'))
      })
    })
  }

  close(): void {
    this.#leave.abort()
    this.#link.close()
    this.#screen.dispose()
    this.#options.host.replaceChildren()
  }

  #build(): void {
    const { host, number } = this.#options
    const words = this.#words
    const help = element('p', { class: 'ming-terminal-keys', id: `${this.#options.id}-keys` })
    help.append(...keyWords(words('lab.terminal.keys')))
    host.replaceChildren(
      element(
        'div',
        { class: 'ming-terminal-head' },
        element('span', {}, words('lab.terminal.name', { number })),
        this.#note,
        this.#screenReaderButton(),
      ),
      this.#mount,
      this.#hint,
      element('div', { class: 'ming-terminal-foot' }, help),
    )
    host.setAttribute('role', 'group')
    host.setAttribute('aria-label', words('lab.terminal.name', { number }))
    const inner = element('div')
    this.#mount.append(inner)
    this.#screen.open(inner)
    this.#resize()
    this.#screen.textarea?.setAttribute('aria-label', words('lab.terminal.input', { number }))
    this.#screen.textarea?.setAttribute('aria-describedby', help.id)
  }

  #screenReaderButton(): HTMLButtonElement {
    const toggle = button(this.#words('lab.terminal.screenReader'), { class: 'ming-quiet' }, () => {
      const on = this.#screen.options.screenReaderMode !== true
      this.#screen.options.screenReaderMode = on
      toggle.setAttribute('aria-pressed', String(on))
      keepScreenReaderMode(on)
      this.#screen.focus()
    })
    toggle.setAttribute('aria-pressed', String(this.#screen.options.screenReaderMode === true))
    return toggle
  }

  #listen(): void {
    const { signal } = this.#leave
    const screen = this.#screen
    screen.onData((data) => this.#press(parseKeys(data)))
    screen.attachCustomKeyEventHandler((event) => this.#mayHandle(event))
    const paste = (event: ClipboardEvent) => this.#paste(event)
    this.#mount.addEventListener('paste', paste, { capture: true, signal })
    // A selection that was copied has done its work; Ctrl-C is the interrupt key again.
    this.#mount.addEventListener('copy', () => queueMicrotask(() => screen.clearSelection()), {
      signal,
    })
    this.#mount.addEventListener('focusout', () => this.#armLeaving(false), { signal })
    const sizes = new ResizeObserver(() => this.#resize())
    sizes.observe(this.#mount)
    const themes = new MutationObserver(() => {
      screen.options.theme = readTheme(this.#options.host)
    })
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    signal.addEventListener('abort', () => {
      sizes.disconnect()
      themes.disconnect()
    })
  }

  #onAttached(info: { running: string | null; history: readonly string[]; fresh: boolean }): void {
    const { text, cursor, pasted } = this.#line
    this.#line = { ...emptyLine(info.history), text, cursor, pasted }
    this.#sending = null
    if (info.fresh) {
      this.#erase()
      this.#screen.reset()
      this.#transcript = { ...emptyTranscript, running: info.running }
      this.#showHint(null)
    }
    this.#setMode(info.running === null ? 'idle' : 'running')
    this.#takeAhead()
    if (this.#wantsFocus) this.focus()
    this.#wantsFocus = false
  }

  #onEntries(entries: readonly TerminalEntry[]): void {
    const gap = this.#words('lab.terminal.gap')
    const { transcript, output, clear } = drawEntries(this.#transcript, entries, gap)
    this.#transcript = transcript
    this.#erase()
    if (clear) this.#screen.write('\x1b[H\x1b[2J\x1b[3J')
    this.#screen.write(output)
    // A command that clears the terminal takes its own input entry away with it.
    if (entries.some(({ kind }) => kind === 'input' || kind === 'clear')) this.#sending = null
    if (this.#mode !== 'away' && this.#sending === null) {
      this.#setMode(transcript.running === null ? 'idle' : 'running')
    }
    this.#showHint(transcript.error)
    this.#takeAhead()
  }

  #onDetached(): void {
    this.#erase()
    this.#sending = null
    this.#ahead = nothingAhead
    this.#setMode('away')
  }

  #setMode(mode: Mode): void {
    this.#mode = mode
    this.#options.host.dataset['state'] = mode
    this.#screen.options.disableStdin = mode === 'away'
    this.#tellNote()
    if (mode === 'idle') for (const listener of [...this.#freeListeners]) listener()
  }

  #tellNote(): void {
    const words = this.#words
    const pasted = this.#line.pasted.length
    if (this.#leaving) setText(this.#note, words('lab.terminal.leaving'))
    else if (this.#mode === 'running') {
      setText(this.#note, words('lab.terminal.running', { line: this.#transcript.running ?? '' }))
    } else if (pasted > 0) setText(this.#note, words('lab.terminal.pasted', { n: pasted }))
    else setText(this.#note, '')
  }

  #showHint(error: WireError | null): void {
    const text = error ? errorHint(error, this.#words) : ''
    setText(this.#hint, text)
    this.#hint.dataset['code'] = error?.code ?? ''
  }

  #press(keys: readonly Key[]): void {
    for (const key of keys) this.#pressOne(key)
    this.#tellNote()
    this.#draw()
  }

  #pressOne(key: Key): void {
    if (this.#mode === 'away') return
    if (this.#mode === 'idle') {
      this.#pressAtPrompt(key)
      return
    }
    // While a command runs only Ctrl-C is for it; the rest is for the next prompt.
    if (key.type === 'interrupt') void this.interrupt()
    this.#ahead = typeAhead(this.#ahead, key)
  }

  /** What was typed while a command ran; an Enter among it leaves the rest to the prompt after. */
  #takeAhead(): void {
    while (this.#mode === 'idle') {
      const [key, ...keys] = this.#ahead.keys
      if (key === undefined) break
      this.#ahead = { ...this.#ahead, keys }
      this.#pressAtPrompt(key)
    }
    // What stands at the prompt is seen.
    if (this.#mode === 'idle') this.#ahead = nothingAhead
    this.#tellNote()
    this.#draw()
  }

  #pressAtPrompt(key: Key): void {
    const before = this.#line
    const { state, action } = press(before, key)
    this.#line = state
    switch (action?.type) {
      case undefined:
        return
      case 'submit':
        this.#submit(action.line, before)
        return
      case 'interrupt':
        this.#leaveLine(`${before.text}^C`)
        return
      case 'clear':
        this.#erase()
        this.#screen.write(`${'\n'.repeat(this.#screen.rows)}\x1b[H`)
        return
      case 'complete':
        void this.#complete()
    }
  }

  #submit(line: string, before: LineState): void {
    if (line.trim() === '') {
      this.#leaveLine(line)
    } else if (line.length > limits.lineLength) {
      this.#line = before
      this.#showTooLong(line)
    } else {
      // A pasted line that comes next has not been seen.
      const mayRun = this.#ahead.mayRun && this.#line.text === ''
      this.#ahead = { ...this.#ahead, mayRun }
      this.#send(line)
    }
  }

  #showTooLong(line: string): void {
    const details = { length: line.length, max: limits.lineLength }
    this.#showHint({ code: 'LINE_TOO_LONG', message: 'the line is too long', details })
  }

  /** Leaves a line that ran nothing on the screen and goes on below it. */
  #leaveLine(text: string): void {
    this.#erase()
    const { prompt, promptStyle } = promptOf(this.#transcript.exitCode)
    this.#screen.write(`${promptStyle}${prompt}\x1b[0m${text}\n`)
  }

  #send(line: string): void {
    this.#sending = line
    this.#setMode('sending')
    this.#draw()
    this.#link.run(line, this.#columns()).catch((error: unknown) => {
      this.#refused(line, wireErrorOf(error))
    })
  }

  #refused(line: string, error: WireError): void {
    this.#sending = null
    // It was meant for after a line that did not run.
    this.#ahead = nothingAhead
    if (this.#line.text === '') this.#line = { ...this.#line, text: line, cursor: line.length }
    if (this.#mode === 'sending') {
      this.#setMode(this.#transcript.running === null ? 'idle' : 'running')
    }
    this.#showHint(error)
    this.#draw()
  }

  /** The protocol's bounds of a terminal's width. */
  #columns(): number {
    return Math.min(1000, Math.max(10, this.#screen.cols))
  }

  async #complete(): Promise<void> {
    const { text, cursor } = this.#line
    if (text.length > limits.lineLength) {
      this.#showTooLong(text)
      return
    }
    try {
      const { from, candidates } = await this.#link.complete(text, cursor)
      const unchanged = this.#line.text === text && this.#line.cursor === cursor
      if (!unchanged || this.#mode !== 'idle') return
      const done = complete(this.#line, from, candidates)
      this.#line = done.state
      if (done.list.length > 0) this.#listCandidates(done.list)
      this.#draw()
    } catch (error) {
      this.#showHint(wireErrorOf(error))
    }
  }

  #listCandidates(candidates: Parameters<typeof completionLines>[0]): void {
    this.#leaveLine(this.#line.text)
    this.#screen.write(completionLines(candidates, this.#screen.cols))
  }

  #erase(): void {
    if (!this.#drawn) return
    this.#screen.write(eraseLine(this.#drawn))
    this.#drawn = null
  }

  #draw(): void {
    this.#erase()
    if (this.#resizing || this.#mode === 'away' || this.#mode === 'running') return
    const { cols: columns, rows } = this.#screen
    const { output, drawn } = drawLine(this.#view(), { columns, rows })
    this.#screen.write(output)
    this.#drawn = drawn
  }

  #view(): LineView {
    const { prompt, promptStyle } = promptOf(this.#transcript.exitCode)
    if (this.#sending !== null) {
      return { prompt, promptStyle, text: this.#sending, cursor: this.#sending.length }
    }
    const { text, cursor, search } = this.#line
    if (!search) return { prompt, promptStyle, text, cursor }
    return { prompt: `(search: ${search.query}) `, promptStyle: '\x1b[90m', text, cursor }
  }

  /** The input area is taken away first: where it stands after a reflow cannot be known. */
  #resize(): void {
    const size = this.#measure()
    const screen = this.#screen
    if (!size || this.#resizing || !Number.isFinite(size.cols) || !Number.isFinite(size.rows))
      return
    if (size.cols === screen.cols && size.rows === screen.rows) return
    this.#erase()
    this.#resizing = true
    screen.write('', () => {
      this.#resizing = false
      screen.resize(Math.max(10, size.cols), Math.max(2, size.rows))
      this.#draw()
      this.#resize()
    })
  }

  #paste(event: ClipboardEvent): void {
    event.preventDefault()
    event.stopPropagation()
    const text = event.clipboardData?.getData('text/plain') ?? ''
    if (text !== '') this.#press([{ type: 'paste', text }])
  }

  /** False: the key is not for the terminal, the browser does with it what it always does. */
  #mayHandle(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || event.isComposing) return true
    if (event.key === 'Tab' && (this.#leaving || this.#mode === 'away')) return false
    if (!modifiers.has(event.key)) this.#armLeaving(event.key === 'Escape')
    const chord = event.ctrlKey || event.metaKey
    if (/^F\d+$/.test(event.key)) return false
    if (chord && /^[-+=0]$/.test(event.key)) return false
    if (isPaste(event)) return false
    if (!isCopy(event)) return true
    if (event.ctrlKey && event.shiftKey) {
      event.preventDefault()
      this.#copy()
      return false
    }
    return !this.#screen.hasSelection()
  }

  #copy(): void {
    const selection = this.#screen.getSelection()
    if (selection !== '') void copyText(selection)
  }

  #armLeaving(leaving: boolean): void {
    if (this.#leaving === leaving) return
    this.#leaving = leaving
    this.#tellNote()
  }
}

/** Keys that do nothing alone: they may stand between Escape and Tab. */
const modifiers: ReadonlySet<string> = new Set(['Shift', 'Control', 'Alt', 'Meta', 'CapsLock'])

function isCopy(event: KeyboardEvent): boolean {
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'c'
}

function isPaste(event: KeyboardEvent): boolean {
  if (event.shiftKey && event.key === 'Insert') return true
  return (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v'
}

/** Words with keys between backticks, the keys as `<kbd>`. */
function keyWords(text: string): (Node | string)[] {
  return text.split('`').map((part, at) => (at % 2 === 1 ? element('kbd', {}, part) : part))
}
