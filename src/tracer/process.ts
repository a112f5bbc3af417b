import { resolved, areAllTrue } from '../builtins.js'
import type { TextMapPropagator } from '@opentelemetry/api'
import { processState } from '../context/globals.js'
import { HoneyHiveConfigError } from '../errors.js'
import { toShown } from '../options/shown.js'
import { isOwnEndpoint } from '../export/sockets.js'
import { type FlushableTracerProvider, RoutingProvider } from '../provider/routing-provider.js'
import type { SessionEnrichment, SpanEnrichment, WithMetadata } from './enrich.js'
import { activeInstance, describeMissing, implicitInstance, processDiagnostics } from './registry.js'
import { RoutingPropagator } from './routing-propagator.js'
import type { HoneyHiveTracer } from './tracer.js'

/**
 * Names the tracer that records what names none and runs inside none; `undefined` takes it back.
 *
 * @throws HoneyHiveConfigError for anything that is no tracer.
 */
export function setDefaultTracer(tracer?: HoneyHiveTracer): void {
  if (tracer !== undefined && tracer !== null && typeof tracer.instance !== 'object') {
    const message = `Expected a tracer, got ${toShown(tracer)}. Give what HoneyHiveTracer.init() or tracers.get(name) returned.`
    throw new HoneyHiveConfigError([{ option: 'tracer', message }], 'setDefaultTracer')
  }
  processState.defaultInstance = tracer?.instance
}

/** The tracer set by {@link setDefaultTracer}. */
export function getDefaultTracer(): HoneyHiveTracer | undefined {
  return processState.defaultInstance?.tracer as HoneyHiveTracer | undefined
}

/** The innermost tracer that is active in the current async context. */
export function getActiveTracer(): HoneyHiveTracer | undefined {
  return activeInstance()?.tracer as HoneyHiveTracer | undefined
}

/**
 * Adds data to the innermost active span of the innermost active tracer. Keys that are no bucket count as metadata:
 * `enrichSpan({ user_id })`.
 *
 * @returns false when there is no such span.
 */
export function enrichSpan(enrichment: WithMetadata<SpanEnrichment>): boolean {
  return implicitTracer('enrichSpan')?.enrichSpan(enrichment) ?? false
}

/**
 * Adds data to the current session of the innermost active tracer, else of the default or only one.
 *
 * @returns whether it arrived; never rejects.
 */
export function enrichSession(enrichment: WithMetadata<SessionEnrichment>): Promise<boolean> {
  return implicitTracer('enrichSession')?.enrichSession(enrichment) ?? resolved(false)
}

/** Who is meant where nobody is named; says so where that is nobody. */
function implicitTracer(call: string): HoneyHiveTracer | undefined {
  const instance = implicitInstance()
  if (instance === undefined)
    processDiagnostics.warnOnce(call, `${call}() recorded nothing: ${describeMissing()}. Write tracer.${call}({ … }).`)
  return instance?.tracer as HoneyHiveTracer | undefined
}

/** Flushes every live tracer at the same time. @returns true only if everything of all of them arrived. */
export function flushAll(timeoutMs?: number): Promise<boolean> {
  return forAll((tracer) => tracer.forceFlush(timeoutMs))
}

/** Shuts every live tracer down at the same time. @returns true only if everything of all of them arrived. */
export function shutdownAll(timeoutMs?: number): Promise<boolean> {
  return forAll((tracer) => tracer.shutdown(timeoutMs))
}

/**
 * A tracer provider for instrumentors that belongs to no tracer: each span goes to the tracer active where it starts, else
 * to `fallback`, else it is not recorded, and counted.
 */
export function createRoutingProvider({
  fallback,
}: {
  fallback?: HoneyHiveTracer
} = {}): FlushableTracerProvider & { readonly unowned: number } {
  const instance = fallback?.instance
  return new RoutingProvider({ fallback: instance, redactor: instance?.redactor, diagnostics: processDiagnostics, isOwnEndpoint, flushAll })
}

/**
 * A propagator for libraries that use OpenTelemetry's global one (`propagation.setGlobalPropagator`): it writes the trace and the
 * session of the tracer active where it writes, else of the default or the only tracer, and reads for the tracer active where it
 * reads. Where there is none, it writes and reads nothing.
 */
export function createRoutingPropagator(): TextMapPropagator {
  return new RoutingPropagator()
}

async function forAll(act: (tracer: HoneyHiveTracer) => Promise<boolean>): Promise<boolean> {
  const tracers = [...processState.instances].map((instance) => instance.tracer as HoneyHiveTracer)
  return await areAllTrue(tracers.map(act))
}
