/**
 * The installed package runs on Node 20 as well, which lacks one thing that the registry uses. This
 * is that thing, exactly as the language defines it; it has to be imported first.
 */
function withResolvers<T>(): PromiseWithResolvers<T> {
  const parts: Partial<PromiseWithResolvers<T>> = {}
  const promise = new Promise<T>((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return Object.assign(parts, { promise }) as PromiseWithResolvers<T>
}

if (!('withResolvers' in Promise)) {
  Object.defineProperty(Promise, 'withResolvers', {
    value: withResolvers,
    writable: true,
    configurable: true,
  })
}
