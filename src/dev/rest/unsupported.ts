/** Parts of HoneyHive's API that a local server does not have, or not all of. */
import type { App } from '../http/call.js'
import { HttpError } from '../http/http-error.js'
import { bothVersions } from './generations.js'

const RESOURCES = [
  'metrics',
  'configurations',
  'charts',
  'queues',
  'projects',
  'tools',
  'evaluations',
  'dataset',
  'prompts',
  'alerts',
] as const

/** Answers them with 501 and the reason, so that a client does not take it for an outage. */
export function addUnsupportedRoutes(app: App): void {
  for (const resource of RESOURCES) {
    const refuse = (): never => {
      throw new HttpError(501, `The local server does not have this part of ${resource}. Use HoneyHive itself for it.`, {
        errorCode: 'not_implemented',
      })
    }
    for (const path of [...bothVersions(`/${resource}`), ...bothVersions(`/${resource}/*`)]) app.all(path, refuse)
  }
}
