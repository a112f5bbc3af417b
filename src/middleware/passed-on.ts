/** A request that its handler passes on as a copy, as `mount` of Hono does with the rest of the path: one request, recorded once. */
import { NativeWeakMap } from '../builtins.js'
import { currentScope } from '../context/scope.js'
import type { Session } from '../context/session.js'
import type { RequestTrace } from './request.js'

/** Requests that are being answered, by the session of each. */
const underWay = new NativeWeakMap<Session, Request>()

/** The request that is being answered here where `request` is a copy of it, otherwise `request`. */
export function originalOf(request: Request): Request {
  for (let at = currentScope(); at !== undefined; at = at.outer) {
    const { session } = at.frame
    const around = session && underWay.get(session)
    if (around !== undefined && isCopy(request, around)) return around
  }
  return request
}

/** `trace`, until whose end copies of `request` are known. */
export function knowCopies<Res>(trace: RequestTrace<Res>, request: Request): RequestTrace<Res> {
  const session = trace.run(() => currentScope()?.frame.session)
  if (session === undefined) return trace
  underWay.set(session, request)
  return {
    ...trace,
    end(outcome) {
      underWay.delete(session)
      trace.end(outcome)
    },
  }
}

/** A copy has the method, the headers and the end of the path; what a handler asks of its own application by itself has other headers. */
function isCopy(request: Request, original: Request): boolean {
  if (request === original) return true
  try {
    const headers = [...request.headers]
    return (
      request.method === original.method &&
      headers.length === [...original.headers].length &&
      headers.every(([name, value]) => original.headers.get(name) === value) &&
      new URL(original.url).pathname.endsWith(new URL(request.url).pathname)
    )
  } catch {
    // It is no request of the platform.
    return false
  }
}
