import { copyText } from './clipboard.ts'
import type { LabPage } from './lab-page.ts'
import { report } from './report.ts'
import { findServer } from './server-presence.ts'
import { browserStorage, createTokenStore } from './token-store.ts'
import { localeOf } from './words.ts'

/**
 * The small script of every page with a part of the lab on it. It loads the rest (client, terminal,
 * panel, words) when this browser has a lab, when another tab starts one, or when the reader asks.
 */

const base = import.meta.env.BASE_URL.replace(/\/?$/, '/')
const root = document.documentElement
const parts = new Set<HTMLElement>()
let page: Promise<LabPage> | null = null
let looking = false

/** Loads what a lab needs and brings every part on the page to life; then does `use`. */
async function activate(use: (opened: LabPage) => void = () => undefined): Promise<void> {
  try {
    page ??= loadPage()
    use(await page)
  } catch (error) {
    // A file of the site did not come: the next press of a button tries again.
    report('the lab could not be loaded', error)
    page = null
    await showServer()
  }
}

async function loadPage(): Promise<LabPage> {
  const { LabPage } = await import('./lab-page.ts')
  const opened = await LabPage.open(base, localeOf(root.lang))
  for (const part of parts) opened.mount(part)
  return opened
}

class LabPart extends HTMLElement {
  connectedCallback(): void {
    parts.add(this)
    if (page) void activate((opened) => opened.mount(this))
    else void look()
  }

  disconnectedCallback(): void {
    parts.delete(this)
    if (page) void activate((opened) => opened.unmount(this))
  }
}

/** Is there a lab to connect to, or at least a server that could start one? */
async function look(): Promise<void> {
  if (looking) return
  looking = true
  const tokens = createTokenStore(base, browserStorage())
  if (tokens.read() !== null) {
    void activate()
    return
  }
  addEventListener('storage', (event) => {
    if (event.key === tokens.key && event.newValue !== null) void activate()
  })
  await showServer()
}

async function showServer(): Promise<void> {
  const { presence, etcd, shared } = await findServer(base)
  if (page) return
  const state = presence === 'present' ? 'none' : 'absent'
  root.dataset['mingLab'] = state
  for (const lab of document.querySelectorAll<HTMLElement>('ming-lab')) {
    lab.dataset['state'] = state
    const version = lab.querySelector('[data-etcd-version]')
    if (version && etcd) version.textContent = `etcd ${etcd.version}`
    for (const words of lab.querySelectorAll<HTMLElement>('[data-whose]'))
      words.hidden = words.dataset['whose'] !== (shared ?? 'own')
  }
}

/** After "Look again": with a client the client looks, without one this script does. */
async function lookAgain(): Promise<void> {
  if (page) await activate((opened) => opened.lookAgain())
  else await showServer()
}

document.addEventListener('click', (event) => {
  const pressed = event.target instanceof Element ? event.target.closest('[data-lab-action]') : null
  if (!(pressed instanceof HTMLElement)) return
  const action = pressed.dataset['labAction']
  if (action === 'start') void activate((opened) => opened.startLab())
  if (action === 'look') void lookAgain()
  if (action === 'run') run(pressed)
  if (action === 'copy') void copy(pressed)
})

function run(pressed: HTMLElement): void {
  const block = pressed.closest<HTMLElement>('ming-command')
  const line = block?.dataset['line']
  if (block && line) void activate((opened) => opened.runCommand(block, line))
}

async function copy(pressed: HTMLElement): Promise<void> {
  const line = pressed.closest<HTMLElement>('ming-command')?.dataset['line']
  if (!line) return
  if (await copyText(line)) pressed.dataset['done'] = ''
  setTimeout(() => delete pressed.dataset['done'], 1500)
}

for (const name of ['ming-lab', 'ming-terminal', 'ming-cluster', 'ming-command']) {
  customElements.define(name, class extends LabPart {})
}
