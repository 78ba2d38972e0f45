/**
 * The slug both languages share: the route id without its language prefix ('' is the home page). An
 * address without a page has no twin, so its language link leads to the other home page.
 */
export function localizedSlug(id: string, locale: string | undefined): string {
  const slug = locale === undefined ? id : id.replace(new RegExp(`^${locale}/?`), '')
  return slug === 'index' || slug === '404' ? '' : slug
}
