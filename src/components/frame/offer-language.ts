const storageKey = 'ming-language'

/** The first of the browser's languages that this site is written in. */
export function preferredLanguage(languages: readonly string[]): 'en' | 'zh-CN' | null {
  for (const language of languages) {
    const primary = language.toLowerCase().split('-')[0]
    if (primary === 'zh') return 'zh-CN'
    if (primary === 'en') return 'en'
  }
  return null
}

/** Shows the offer when the reader has not yet been asked, and remembers every answer. */
export function offerLanguage(): void {
  const offer = document.querySelector<HTMLElement>('[data-language-offer]')
  const remember = (answer: string) => localStorage.setItem(storageKey, answer)

  for (const link of document.querySelectorAll<HTMLElement>('[data-language-choice]')) {
    link.addEventListener('click', () => remember(link.dataset['languageChoice'] ?? ''))
  }
  if (offer === null || localStorage.getItem(storageKey) !== null) return
  if (preferredLanguage(navigator.languages) !== offer.dataset['languageOffer']) return

  offer.hidden = false
  remember('offered')
  offer.querySelector('[data-language-decline]')?.addEventListener('click', () => {
    offer.hidden = true
    remember(document.documentElement.lang)
  })
}
