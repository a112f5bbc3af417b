import { GuardedSpan } from '../provider/guarded-span.js'
import type { HoneyHiveTracer as Tracer } from '../tracer/tracer.js'
import { enrichSession as enrichCurrentSession, flushAll, getActiveTracer } from '../tracer/process.js'
import { processDiagnostics } from '../tracer/registry.js'
import { traceFn } from '../tracer/tracing.js'
import { EventType } from '../semantics/attributes.js'
import type { TracerRef } from '../wrap/trace-options.js'
import { readParameterNames } from './parameter-names.js'

// biome-ignore lint/suspicious/noExplicitAny: the declarations of the old package, which programs were compiled against
type AnyRecord = Record<string, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyFunction = (...args: any[]) => any

/** @deprecated Use `TraceOptions` of `honeyhive-tracer`. */
export interface TraceFunctionOptions {
  readonly eventType?: string | undefined
  readonly config?: AnyRecord | undefined
  readonly metadata?: AnyRecord | undefined
  readonly eventName?: string | undefined
}

/** @deprecated Use `SpanEnrichment` of `honeyhive-tracer`. */
export interface EnrichSpanParams {
  readonly config?: AnyRecord
  readonly metadata?: AnyRecord
  readonly metrics?: AnyRecord
  readonly feedback?: AnyRecord
  readonly inputs?: AnyRecord
  readonly outputs?: AnyRecord
  readonly error?: string | null
  readonly eventName?: string
}

/** @deprecated Use `SessionEnrichment` of `honeyhive-tracer`. */
export interface EnrichSessionParams {
  readonly sessionId?: string | undefined
  readonly metadata?: AnyRecord
  readonly feedback?: AnyRecord
  readonly metrics?: AnyRecord
  readonly config?: AnyRecord
  readonly inputs?: AnyRecord
  readonly outputs?: AnyRecord
  readonly userProperties?: AnyRecord
}

/** Names that the backend knows; the old package recorded others as tools, too. */
const EVENT_TYPES: ReadonlySet<string> = new Set([EventType.model, EventType.tool, EventType.chain])

/** Wraps `func` for the tracer `ref` as the old package recorded it: arguments by their names below `_params_`. */
export function traceAs<F extends AnyFunction>(ref: TracerRef | undefined, func: F, options: TraceFunctionOptions = {}): F {
  const { eventType, eventName, config, metadata } = options ?? {}
  const named = eventType?.toLowerCase()
  const names = readParameterNames(func)
  // The old package kept only functions that it was given; anything else came back.
  if (typeof func !== 'function') return func
  return traceFn(ref, func, {
    eventType: named !== undefined && EVENT_TYPES.has(named) ? (named as EventType) : EventType.tool,
    eventName,
    config,
    metadata,
    inputs: (...args: unknown[]) => (args.length === 0 ? {} : { _params_: toNamed(args, names) }),
    outputs: (result: unknown) => (result === undefined ? undefined : { result }),
  })
}

function toNamed(args: readonly unknown[], names: readonly (string | undefined)[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(args.map((value, index) => [names[index] ?? String(index), value]))
}

/**
 * Records calls of a function with the tracer that is active where it is called, else with the only one.
 *
 * @deprecated Write `traceFn(tracer, func, { eventType, argNames })` of `honeyhive-tracer`.
 */
export function traceFunction(options: TraceFunctionOptions = {}): <F extends AnyFunction>(func: F) => F {
  return (func) => traceAs(undefined, func, options)
}

/** @deprecated Write `traceFn(tracer, func, { eventType: 'model', argNames })` of `honeyhive-tracer`. */
export function traceModel<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
  return traceAs(undefined, func, { ...options, eventType: 'model' })
}

/** @deprecated Write `traceFn(tracer, func, { eventType: 'tool', argNames })` of `honeyhive-tracer`. */
export function traceTool<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
  return traceAs(undefined, func, { ...options, eventType: 'tool' })
}

/** @deprecated Write `traceFn(tracer, func, { eventType: 'chain', argNames })` of `honeyhive-tracer`. */
export function traceChain<F extends AnyFunction>(func: F, options: Omit<TraceFunctionOptions, 'eventType'> = {}): F {
  return traceAs(undefined, func, { ...options, eventType: 'chain' })
}

/**
 * Adds to the active span.
 *
 * @deprecated Write `tracer.enrichSpan({ … })`, or `enrichSpan` of `honeyhive-tracer`. A name is given where the span starts, as `eventName`.
 */
export function enrichSpan(params: EnrichSpanParams = {}): void {
  enrichFor(getActiveTracer(), params)
}

/** Adds to the active span of `tracer`. */
export function enrichFor(tracer: Tracer | undefined, params: EnrichSpanParams): void {
  const { eventName, error, ...rest } = params ?? {}
  if (tracer === undefined)
    return processDiagnostics.warn('compat-enrich', 'enrichSpan: no traced function is running here, so nothing was recorded.')
  tracer.enrichSpan({ ...rest, ...(error === null || error === undefined ? {} : { error }) })
  const { span } = tracer.instance.current()
  if (typeof eventName === 'string' && span instanceof GuardedSpan) span.updateName(eventName)
}

/**
 * Adds to the session that is current, or to that of `sessionId`.
 *
 * @deprecated Write `tracer.enrichSession({ … })`, or `enrichSession` of `honeyhive-tracer`.
 */
export async function enrichSession(params: EnrichSessionParams = {}): Promise<void> {
  await enrichCurrentSession({ ...params })
}

/** Records a call of a model from what is known of it. @deprecated Write `tracer.startSpan(name, { eventType: 'model', inputs, config })` and `span.end()`. */
export function logModel(params: EnrichSpanParams = {}): void {
  traceModel(() => enrichSpan(params), { eventName: params.eventName ?? 'model event' })()
}

/** Sends what every tracer has recorded. @deprecated Write `flushAll()` of `honeyhive-tracer`, or `tracer.forceFlush()`. */
export async function flush(): Promise<void> {
  await flushAll()
}
