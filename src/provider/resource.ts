import type { Attributes } from '@opentelemetry/api'
import { hostname } from 'node:os'
import { readPlatform } from '../config/platform.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Resource } from './span.js'
import { VERSION } from '../version.js'

/**
 * The OpenTelemetry resource of one tracer: the service as the host names it, the process, where it runs, and what the
 * user added. Equal for every tracer of a process but for `service.name` and `resourceAttributes`.
 */
export function createResource(config: ResolvedConfig): Resource {
  const serviceName = config.project ?? PROCESS_ATTRIBUTES['faas.name'] ?? 'honeyhive-service'
  return toResource({ 'service.name': serviceName, ...PROCESS_ATTRIBUTES, ...config.resourceAttributes })
}

const PROCESS_ATTRIBUTES: Attributes = Object.freeze({
  'telemetry.sdk.name': 'honeyhive-tracer',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.version': VERSION,
  'process.pid': process.pid,
  'process.runtime.name': 'nodejs',
  'process.runtime.version': process.versions.node,
  'host.name': hostname(),
  'host.arch': process.arch,
  'os.type': process.platform,
  ...readPlatform(),
})

function toResource(attributes: Attributes): Resource {
  return {
    attributes,
    asyncAttributesPending: false,
    merge: (other) => (other === null ? toResource(attributes) : toResource({ ...attributes, ...other.attributes })),
    getRawAttributes: () => Object.entries(attributes),
  }
}
