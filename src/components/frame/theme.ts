type Choice = 'auto' | 'light' | 'dark'

/** Also read by the inline script in ThemeProvider.astro, before the first paint. */
const storageKey = 'starlight-theme'
const next: Record<Choice, Choice> = { auto: 'light', light: 'dark', dark: 'auto' }
const systemIsLight = matchMedia('(prefers-color-scheme: light)')

function storedChoice(): Choice {
  const stored = localStorage.getItem(storageKey)
  return stored === 'light' || stored === 'dark' ? stored : 'auto'
}

function apply(button: HTMLElement, choice: Choice): void {
  const theme = choice === 'auto' ? (systemIsLight.matches ? 'light' : 'dark') : choice
  document.documentElement.dataset['theme'] = theme
  button.dataset['choice'] = choice
  const word = button.querySelector('[data-theme-word]')
  if (word) word.textContent = button.dataset[choice] ?? choice
}

/** Cycles auto → light → dark, stores the choice, and follows the system while it is auto. */
export function bindThemeButton(): void {
  const button = document.querySelector<HTMLElement>('[data-theme-button]')
  if (button === null) return
  let choice = storedChoice()
  apply(button, choice)
  button.addEventListener('click', () => {
    choice = next[choice]
    localStorage.setItem(storageKey, choice === 'auto' ? '' : choice)
    apply(button, choice)
  })
  systemIsLight.addEventListener('change', () => apply(button, choice))
}
