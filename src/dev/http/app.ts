/** The order a request is answered in: which route, else the page; every error in one format. */
import { Hono } from 'hono'
import type { App, Call } from './call.js'
import { isDataPath, SECURITY_HEADERS } from './guard.js'
import { HttpError, notFound } from './http-error.js'
import type { PageFiles } from './page-files.js'
import { toErrorBody, toHttpError } from './reply.js'

/** Settings of {@link createApp}. */
export interface AppOptions {
  readonly files: PageFiles
  readonly addRoutes: (app: App) => void
}

/** Builds what answers requests. */
export function createApp({ files, addRoutes }: AppOptions): App {
  const app: App = createRouter()
  app.use((c, next) => {
    protect(c)
    return next()
  })
  addRoutes(app)
  refuseOtherMethods(app)
  app.get('*', (c) => {
    const path = decodeURIComponent(c.req.path)
    const acceptsHtml = !isDataPath(path) && /text\/html|\*\/\*/.test(c.req.header('accept') ?? '*/*')
    const page = files.find(path, { acceptsHtml })
    if (page === undefined) throw notFound('Route')
    c.header('cache-control', page.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    c.header('content-type', page.type)
    return c.body(page.read())
  })
  return app
}

/** A set of routes whose errors are answered in HoneyHive's format. */
export function createRouter(): App {
  const app: App = new Hono()
  app.notFound((c) => sendError(c, notFound('Route')))
  app.onError((error, c) => sendError(c, toHttpError(error)))
  return app
}

function protect(c: Call): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value)
  c.header('cache-control', 'no-store')
}

function sendError(c: Call, error: HttpError): Response {
  for (const [name, value] of Object.entries(error.headers)) c.header(name, value)
  return c.json(toErrorBody(error), error.status as 500)
}

/** A path that is known, with a method that is not, is told apart from a path that is not. */
function refuseOtherMethods(app: App): void {
  const known = new Map<string, Set<string>>()
  for (const { path, method } of app.routes) {
    if (method !== 'ALL') known.set(path, (known.get(path) ?? new Set()).add(method))
  }
  for (const [path, methods] of known)
    app.all(path, (c) => {
      throw new HttpError(405, `${c.req.method} is not answered here`, { headers: { allow: [...methods].join(', ') } })
    })
}
