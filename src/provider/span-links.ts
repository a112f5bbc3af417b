import type { Link } from '@opentelemetry/api'
import type { Instance, OwnedSpan } from '../context/instance.js'
import { spanOf } from '../context/live-spans.js'
import { toLink } from './span-arguments.js'

/**
 * A caller's link as a span of `instance` may carry it. Libraries that serve several tracers at once, such as loaders, link what they
 * batch: of another tracer's span only the ids go along, and nothing where either tracer forbids that.
 */
export function toAllowedLink(given: unknown, instance: Instance): Link | undefined {
  const link = toLink(given)
  const owner = link === undefined ? undefined : findTarget(given)?.owner
  if (link === undefined || owner === undefined || owner === instance) return link
  if (!instance.crossTracerLinks || !owner.crossTracerLinks) return undefined
  const { traceId, spanId, traceFlags } = link.context
  return { ...link, context: { traceId, spanId, traceFlags } }
}

function findTarget(link: unknown): OwnedSpan | undefined {
  try {
    return spanOf((link as Link).context)
  } catch {
    return undefined
  }
}
