import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError } from './http-error.js'

/** One request on its way to a handler. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The decoded `:name` parts of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

/** Answers one request; what it throws becomes an error answer. */
export type Handler = (exchange: Exchange) => void | Promise<void>

/** Method, path with `:name` parts, handler. */
export type Route = readonly [method: string, path: string, handler: Handler]

/** The handler of a path, its parts, and the methods that path knows. */
export interface Match {
  readonly handler: Handler
  readonly params: Readonly<Record<string, string>>
}

/** Finds the route of a method and path; the first of `routes` that fits wins. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match | undefined {
  const segments = splitPath(path)
  const methods: string[] = []
  for (const [routeMethod, pattern, handler] of routes) {
    const params = matchSegments(pattern.split('/').slice(1), segments)
    if (params === undefined) continue
    if (routeMethod === method) return { handler, params }
    methods.push(routeMethod)
  }
  if (methods.length > 0)
    throw new HttpError(405, `${method} is not answered here`, { headers: { allow: [...new Set(methods)].join(', ') } })
  return undefined
}

/**
 * The decoded parts of a path.
 *
 * @throws HttpError 400 for parts that could leave the tree or hide a separator.
 */
export function splitPath(path: string): string[] {
  return path.split('/').slice(1).map(decodeSegment)
}

function decodeSegment(segment: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(segment)
  } catch {
    throw new HttpError(400, 'The path is not valid')
  }
  if (decoded === '.' || decoded === '..' || /[/\\\u0000-\u001f]/.test(decoded)) throw new HttpError(400, 'The path is not valid')
  return decoded
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (part.startsWith(':') && segment !== '') params[part.slice(1)] = segment
    else if (part !== segment) return undefined
  }
  return params
}
