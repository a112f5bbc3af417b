import { INVALID_SPAN_CONTEXT, type Span, type SpanOptions, trace as otelTrace } from '@opentelemetry/api'
import { toSpanOptions } from './call-capture.js'
import { fieldsOf } from '../options/fields.js'
import { EventType } from '../semantics/attributes.js'
import type { Instance } from '../context/instance.js'
import { createTracing, type TraceClassDecorator, type TraceClassOptions, type TraceDecorator } from '../wrap/decorate.js'
import { silencePromise } from '../promises.js'
import type { TracerInstance } from './instance.js'
import { describeMissing, describeUnfound, implicitInstance, namedInstance, noFunction, reportUntraced } from './registry.js'
import type { CompiledCall, TracerRef, TraceOptions, TraceTarget } from '../wrap/trace-options.js'
import { type Callable, type Recorder, type Recording, wrapFunction } from '../wrap/function.js'

const tracing = createTracing((ref) => (call) => findRecorder(ref, call.name))

/**
 * Records a method or function: `@trace(tracer)` as a decorator of either standard, `trace(tracer)(fn)` around a function.
 * The function itself is not changed: what it returns, throws, and when, stays as it was.
 *
 * @throws HoneyHiveConfigError for unknown options and wrong values, all at once, where the decorator is written.
 */
export function trace(target?: TraceTarget, ...rest: never[]): TraceDecorator {
  return tracing.trace(target, ...rest)
}

/**
 * Records a function under a tracer.
 *
 * @throws HoneyHiveConfigError for unknown options and wrong values, all at once.
 */
export function traceFn<F extends Callable>(tracer: TracerRef | undefined, fn: F, options?: TraceOptions<F>): F {
  return tracing.traceFn(tracer, fn, options)
}

/**
 * Records the own public methods of a class, static ones included.
 *
 * @throws HoneyHiveConfigError for unknown options and wrong values, all at once.
 */
export function traceClass(options?: TracerRef | TraceClassOptions, ...rest: never[]): TraceClassDecorator {
  return tracing.traceClass(options, ...rest)
}

/** Runs `fn` inside a span of `instance` and hands it that span. */
export function callInSpan<R>(instance: TracerInstance, name: string, options: ActiveSpan, fn: (span: Span) => R): R {
  if (typeof fn !== 'function') throw noFunction('startActiveSpan', fn, 'startActiveSpan(name, fn) or startActiveSpan(name, options, fn)')
  const given = instance.guard<ActiveSpan>('startActiveSpan', NO_OPTIONS, () => fieldsOf(options))
  const { inputs, eventType, eventId, links, root, startTime, ...rest } = given
  const call: CompiledCall = {
    name,
    eventType: typeof eventType === 'string' ? eventType : EventType.tool,
    argNames: undefined,
    spanOptions: toSpanOptions(fieldsOf({ ...rest, links, root, startTime })),
    options: fieldsOf<TraceOptions>({
      ...rest,
      eventId: typeof eventId === 'string' ? eventId : undefined,
      inputs: inputs === undefined ? false : (given: object) => given,
    }),
  }
  let span: Span = NO_SPAN
  const record = (): Recording | undefined => {
    const recording = instance.record(call, undefined, inputs === undefined ? [] : [inputs])
    span = recording?.span ?? NO_SPAN
    return recording
  }
  return wrapFunction(
    (): R => fn(span),
    call,
    () => ({ record }),
  )()
}

const NO_OPTIONS: ActiveSpan = fieldsOf({})
const NO_SPAN: Span = otelTrace.wrapSpanContext(INVALID_SPAN_CONTEXT)

/** What `startActiveSpan` takes. */
type ActiveSpan = Omit<TraceOptions, 'tracer' | 'eventName' | 'inputs'> &
  Pick<SpanOptions, 'links' | 'root' | 'startTime'> & { readonly inputs?: object | undefined }

function findRecorder(ref: TracerRef | undefined, name: string): Recorder | undefined {
  const instance = findInstance(ref)
  if (instance === undefined) reportUntraced(name, ref === undefined ? describeMissing() : describeUnfound(ref))
  // Every instance of any copy of this package records calls; the context layer does not need to know.
  return instance as (Instance & Recorder) | undefined
}

/** The instance that is meant: who is active where nobody is named. */
export function findInstance(ref: TracerRef | undefined): Instance | undefined {
  if (ref === undefined) return implicitInstance()
  if (typeof ref === 'string') return namedInstance(ref)
  return typeof ref === 'function' ? ask(ref) : ref?.instance
}

/** A promise of a tracer comes too late for the call. */
function ask(find: Extract<TracerRef, () => unknown>): Instance | undefined {
  const tracer = find()
  return silencePromise(tracer) ? undefined : tracer?.instance
}
