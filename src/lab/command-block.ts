import { button, element, setText } from './dom.ts'
import type { LabClient } from './lab-client.ts'
import type { TerminalView } from './terminal.ts'
import type { Words } from './words.ts'

export interface CommandBlockOptions {
  /** The `<ming-command>` element. */
  readonly block: HTMLElement
  /** The command line. */
  readonly line: string
  readonly client: LabClient
  readonly words: Words
  /** The page's first terminal, scrolled to and open; starts nothing. */
  readonly terminal: () => Promise<TerminalView>
  /** Starts a lab and resolves when it is ready; false when it did not come to that. */
  readonly startLab: () => Promise<boolean>
}

/** The Run button of a command on a page. */
export class CommandBlock {
  readonly #options: CommandBlockOptions
  readonly #note = element('div', { class: 'ming-command-note', role: 'status' })
  #waiting: AbortController | null = null

  constructor(options: CommandBlockOptions) {
    this.#options = options
    options.block.querySelector('.ming-command-line')?.after(this.#note)
  }

  /** Runs the line in the page's terminal; offers a lab first when there is none. */
  async run(): Promise<void> {
    const phase = this.#options.client.state().lab?.phase
    if (phase === 'ready') await this.#runNow()
    else if (phase === 'starting') await this.#runAfterStart()
    else this.#offerLab()
  }

  #offerLab(): void {
    const { words } = this.#options
    const start = button(
      words('lab.command.startAndRun'),
      { class: 'ming-act ming-act-strong' },
      () => {
        void this.#runAfterStart()
      },
    )
    this.#note.replaceChildren(element('span', {}, words('lab.command.noLab')), start)
    start.focus()
  }

  async #runAfterStart(): Promise<void> {
    this.#say(this.#options.words('lab.command.starting'))
    if (await this.#options.startLab()) await this.#runNow()
    else this.#say(this.#options.words('lab.command.notStarted'))
  }

  async #runNow(): Promise<void> {
    this.#waiting?.abort()
    const waiting = new AbortController()
    this.#waiting = waiting
    const terminal = await this.#options.terminal()
    if (terminal.running() !== null) this.#offerInterrupt(terminal, waiting)
    try {
      await terminal.whenFree(waiting.signal)
    } catch {
      // Given up by the reader, or taken over by a later press.
      return
    }
    this.#say('')
    terminal.run(this.#options.line)
    terminal.focus()
  }

  #offerInterrupt(terminal: TerminalView, waiting: AbortController): void {
    const { words } = this.#options
    this.#note.replaceChildren(
      element('span', {}, words('lab.command.busy', { line: terminal.running() ?? '' })),
      button(
        words('lab.command.stopAndRun'),
        { class: 'ming-act' },
        () => void terminal.interrupt(),
      ),
      button(words('lab.command.cancel'), { class: 'ming-act' }, () => {
        waiting.abort()
        this.#say('')
      }),
    )
  }

  #say(text: string): void {
    setText(this.#note, text)
  }
}
