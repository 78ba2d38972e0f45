/** Says in the browser's console what went wrong and was survived: the page has no other log. */
export function report(what: string, error: unknown): void {
  // eslint-disable-next-line no-console -- the only place of src/ that writes to the console
  console.warn(`Ming lab: ${what}`, error)
}
