import type { Attributes, AttributeValue } from '@opentelemetry/api'
import { detectResources, type Resource, type ResourceDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { hostname } from 'node:os'
import { isPromise } from 'node:util/types'
import { NativeMap, toJsonText } from '../builtins.js'
import { silencePromise } from '../promises.js'
import { readPlatform } from '../config/platform.js'
import type { ResolvedConfig } from '../config/resolved.js'
import { mapTexts } from '../values/secrets/map-texts.js'
import { VERSION } from '../version.js'
import { setOwn } from './span-arguments.js'

/**
 * The OpenTelemetry resource of one tracer: the service as the host names it, the process, where it runs, what the user's
 * detectors and `resource` say, and what the user added. Later ones win.
 */
export function createResource(config: ResolvedConfig, mask: (text: string) => string): Resource {
  const { resource, resourceDetectors, resourceAttributes, project } = config
  const serviceName = project ?? PROCESS_ATTRIBUTES['faas.name'] ?? 'honeyhive-service'
  const own: Attributes = { 'service.name': serviceName, ...PROCESS_ATTRIBUTES, ...resourceAttributes }
  if (resource === undefined && resourceDetectors.length === 0) return toSharedResource(withMaskedNames(own, mask))
  const ofProcess = resourceFromAttributes(own)
  const detected =
    resourceDetectors.length === 0 ? ofProcess : ofProcess.merge(detectResources({ detectors: resourceDetectors.map(withoutPromise) }))
  return withMaskedTexts(detected.merge(resource ?? null).merge(resourceFromAttributes({ ...resourceAttributes })), mask)
}

/** A detector gives its attributes at once, each of which may be a promise; one that is a promise itself counts as failed. */
function withoutPromise(detector: ResourceDetector): ResourceDetector {
  return {
    detect(config) {
      const detected = detector.detect(config)
      if (silencePromise(detected)) throw new TypeError('a resource detector gave a promise of its attributes')
      return detected
    },
  }
}

function withMaskedNames(attributes: Attributes, mask: (text: string) => string): Attributes {
  const shown: Attributes = {}
  for (const [name, value] of Object.entries(attributes)) setOwn(shown, mask(name), mapTexts(value as AttributeValue, mask))
  return shown
}

/** The tracers of one process mostly say the same of themselves. What is shared cannot be changed by whoever sees a span. */
function toSharedResource(attributes: Attributes): Resource {
  const key = toJsonText(attributes)
  const known = sharedResources.get(key)
  if (known !== undefined) return known
  if (sharedResources.size >= MAX_SHARED) sharedResources.clear()
  const resource = resourceFromAttributes(attributes)
  Object.freeze(resource.attributes)
  sharedResources.set(key, resource)
  return resource
}

const sharedResources = new NativeMap<string, Resource>()
/** A pool of projects has one for each project. */
const MAX_SHARED = 256

/** Attributes may still be on their way: each is masked when it is there. */
function withMaskedTexts(resource: Resource, mask: (text: string) => string): Resource {
  const attributes = resource.getRawAttributes().map(([name, value]) => [mask(name), maskLater(value, mask)] as const)
  const isSame = resource.getRawAttributes().every(([name, value], i) => attributes[i]?.[0] === name && attributes[i]?.[1] === value)
  return isSame
    ? resource
    : resourceFromAttributes(Object.fromEntries(attributes), resource.schemaUrl === undefined ? {} : { schemaUrl: resource.schemaUrl })
}

function maskLater(value: unknown, mask: (text: string) => string): never {
  // What a detector promises is an attribute like those it gives at once.
  return (isPromise(value) ? value.then((settled) => mapTexts(settled, mask)) : mapTexts(value, mask)) as never
}

// Values of the semantic conventions where Node has names of its own. @see resource attributes `host.arch`, `os.type`
const ARCHITECTURES: Readonly<Partial<Record<string, string>>> = { x64: 'amd64', ia32: 'x86', arm: 'arm32' }
const SYSTEMS: Readonly<Partial<Record<string, string>>> = { win32: 'windows', sunos: 'solaris' }

const PROCESS_ATTRIBUTES: Attributes = Object.freeze({
  'telemetry.sdk.name': 'honeyhive-tracer',
  'telemetry.sdk.language': 'nodejs',
  'telemetry.sdk.version': VERSION,
  'process.pid': process.pid,
  'process.runtime.name': 'nodejs',
  'process.runtime.version': process.versions.node,
  'host.name': hostname(),
  'host.arch': ARCHITECTURES[process.arch] ?? process.arch,
  'os.type': SYSTEMS[process.platform] ?? process.platform,
  ...readPlatform(),
})
