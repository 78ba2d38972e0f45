/** Path of a page of this site: base path, language prefix, slug, trailing slash. */
export function hrefOf(locale: string | undefined, slug: string): string {
  const base = import.meta.env.BASE_URL.replace(/\/$/, '')
  const path = [locale, slug].filter((part) => part !== undefined && part !== '').join('/')
  return path === '' ? `${base}/` : `${base}/${path}/`
}
