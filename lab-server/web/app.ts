import express, {
  type ErrorRequestHandler,
  type Express,
  type RequestHandler,
  Router,
} from 'express'
import type { SharedKind } from '../../protocol/index.ts'
import type { Logger } from '../logger.ts'
import type { Edge } from './edge.ts'
import { createSite } from './site.ts'

/** What `/healthz` answers. */
export interface Health {
  readonly ok: boolean
  readonly version: string
  /** Changes with every start of the server. */
  readonly boot: string
  readonly etcdVersion: string
  readonly etcdOutdated: boolean
  /** Seconds since the start. */
  readonly uptime: number
  readonly labs: { readonly running: number; readonly max: number }
  /** Whose the clusters are; null = each reader's own. */
  readonly cluster: SharedKind | null
}

export interface AppOptions {
  readonly basePath: string
  readonly siteDir: string
  /** Known only after the port was bound; every request is refused until then. */
  readonly edge: () => Edge | null
  readonly health: () => Health
  readonly logger: Logger
}

/** The HTTP part: `/healthz` and the site, both under the base path. */
export function createApp(options: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('etag', 'strong')
  app.use(setSecurityHeaders)
  app.use(checkHost(options.edge))
  app.use(answerHealth(options))
  const site = Router()
  site.use(answerHealth(options))
  site.use(createSite(options.siteDir))
  app.use(options.basePath, addSlash(options.basePath), site)
  app.use(leadToBase(options.basePath))
  app.use(answerFailure(options.logger))
  return app
}

const setSecurityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': "frame-ancestors 'none'; base-uri 'self'; object-src 'none'",
    'Referrer-Policy': 'strict-origin-when-cross-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  })
  next()
}

/** 421: the request was meant for another server (RFC 9110, 15.5.20). */
function checkHost(edge: () => Edge | null): RequestHandler {
  return (request, response, next) => {
    if (edge()?.hostAllowed(request.headers.host) === true) {
      next()
      return
    }
    response.status(421).type('text/plain').send(explainHost(request.headers.host))
  }
}

/** Also what the WebSocket endpoint answers. */
export function explainHost(host: string | undefined): string {
  return (
    `This server is not reachable as ${JSON.stringify(host ?? '')}. ` +
    'Use the address it printed at start, or set PUBLIC_URL to the address readers use.\n'
  )
}

function answerHealth({ health }: AppOptions): RequestHandler {
  return (request, response, next) => {
    if (request.path !== '/healthz') {
      next()
      return
    }
    response.set('Cache-Control', 'no-store').json(health())
  }
}

/** `/lab` is `/lab/`; Express mounts both alike, relative links would not. */
function addSlash(basePath: string): RequestHandler {
  return (request, response, next) => {
    if (request.originalUrl.split('?')[0] === basePath.slice(0, -1))
      response.redirect(301, basePath)
    else next()
  }
}

/** Whoever types the bare address is led to the site; everything else outside the base is a 404. */
function leadToBase(basePath: string): RequestHandler {
  return (request, response) => {
    if (request.path === '/' && basePath !== '/') {
      response.redirect(302, basePath)
      return
    }
    response.status(404).type('text/plain').send(`404: the site is at ${basePath}\n`)
  }
}

function answerFailure(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error)
      return
    }
    const status = statusOf(error)
    if (status >= 500) logger.error('request failed', { path: request.path, error })
    response
      .status(status)
      .type('text/plain')
      .send(status >= 500 ? 'Internal error\n' : 'Bad request\n')
  }
}

/** Express's own errors (a malformed escape in the path, say) carry their status. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : 500
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}
