/** Parts of HoneyHive's API that a local server does not have. */
import { HttpError } from '../http/http-error.js'
import type { Route } from '../http/router.js'

const RESOURCES = ['metrics', 'configurations', 'charts', 'queues', 'projects'] as const
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

/** Answers them with 501 and the reason, so that a client does not take it for an outage. */
export function createUnsupportedRoutes(): readonly Route[] {
  return RESOURCES.flatMap((resource) =>
    ['', '/v1'].flatMap((prefix) =>
      ['', '/:a', '/:a/:b', '/:a/:b/:c'].flatMap((rest) =>
        METHODS.map((method): Route => [method, `${prefix}/${resource}${rest}`, () => refuse(resource)]),
      ),
    ),
  )
}

function refuse(resource: string): never {
  throw new HttpError(501, `The local server has no ${resource}. Use HoneyHive itself for them.`, { errorCode: 'not_implemented' })
}
