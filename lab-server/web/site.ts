import { existsSync } from 'node:fs'
import path from 'node:path'
import express, { type RequestHandler, type Response, Router } from 'express'

/**
 * Serves the built site. Files under `_astro/` carry a hash of their content in their name and are
 * kept for a year; everything else is checked with the server at each use.
 */
export function createSite(siteDir: string): Router {
  const router = Router()
  router.use(
    express.static(siteDir, {
      dotfiles: 'ignore',
      cacheControl: false,
      setHeaders: (response, file) => setCaching(response, path.relative(siteDir, file)),
    }),
  )
  router.use(createNotFound(siteDir))
  return router
}

function setCaching(response: Response, file: string): void {
  const hashed = file.startsWith(`_astro${path.sep}`)
  response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
}

/** The 404 page of the language that the address begins with, else the root language's. */
function createNotFound(siteDir: string): RequestHandler {
  return (request, response) => {
    response.status(404).setHeader('Cache-Control', 'no-cache')
    const page = findNotFoundPage(siteDir, request.path)
    if (page === null) response.type('text/plain').send('404: there is no such page.\n')
    else response.type('text/html').sendFile(page, { cacheControl: false, root: siteDir })
  }
}

/** Relative to `siteDir`. Only a plain first segment is looked up, so no path leads outside. */
function findNotFoundPage(siteDir: string, requestPath: string): string | null {
  const language = /^\/([a-z]{2}(?:-[a-z]{2,4})?)\//i.exec(requestPath)?.[1]
  const candidates = ['404.html', '404/index.html']
  if (language !== undefined) {
    candidates.unshift(`${language}/404.html`, `${language}/404/index.html`)
  }
  return candidates.find((candidate) => existsSync(path.join(siteDir, candidate))) ?? null
}
