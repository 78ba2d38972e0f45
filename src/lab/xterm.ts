import { FitAddon } from '@xterm/addon-fit'
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes'
import { Terminal } from '@xterm/xterm'
import stylesheet from '@xterm/xterm/css/xterm.css?url'

/** xterm with its add-ons and its stylesheet: 80 KB that only a page with a lab in use loads. */
export interface Xterm {
  readonly Terminal: typeof Terminal
  readonly FitAddon: typeof FitAddon
  readonly UnicodeGraphemesAddon: typeof UnicodeGraphemesAddon
}

let styled: Promise<void> | null = null

/** Resolves when the stylesheet is in force: xterm measures its cells with it. */
export async function loadXterm(): Promise<Xterm> {
  styled ??= addStylesheet()
  await styled
  return { Terminal, FitAddon, UnicodeGraphemesAddon }
}

function addStylesheet(): Promise<void> {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = stylesheet
    link.addEventListener('load', () => resolve())
    link.addEventListener('error', () => {
      reject(new Error(`the terminal's stylesheet ${stylesheet} did not load`))
    })
    document.head.append(link)
  })
}
