import { NativePromise } from '../builtins.js'
import { type Context, TraceFlags, trace } from '@opentelemetry/api'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { processState } from '../context/globals.js'
import type { Instance } from '../context/instance.js'
import { frameOf } from '../context/scope.js'
import { isOwnEndpoint } from '../export/sockets.js'
import { checkOptions } from '../options/check.js'
import { functionSpec, type Specs } from '../options/spec.js'
import { readSpanContext } from '../provider/foreign-span.js'
import { findInnermost, findOwned, readSurroundings, type Surroundings } from '../provider/owner.js'
import { describeQueue, isContextOfTheQueue, startsInCallbacks } from '../provider/queued-callbacks.js'
import { silencePromise } from '../promises.js'
import { isLlmSpan } from '../semantics/event-type.js'
import type { TracerInstance } from '../tracer/instance.js'
import { processDiagnostics } from '../tracer/registry.js'
import type { HoneyHiveTracer } from '../tracer/tracer.js'
import { findInstance } from '../tracer/tracing.js'
import { builtInRedactor } from '../values/redact.js'
import { describeThrown } from '../values/thrown.js'
import { isTracerRef, type TracerRef } from '../wrap/trace-options.js'
import { type Destination, HostSpan, HostSpans, openCopy } from './host-spans.js'

/** Settings of {@link HoneyHiveSpanProcessor}. */
export interface HoneyHiveSpanProcessorOptions {
  /**
   * Gets the copies of spans that start where no tracer is active: a tracer, a function that returns one, or a registered name.
   *
   * @defaultValue nobody: such spans are not copied
   */
  readonly tracer?: TracerRef | undefined
  /**
   * Names the tracer that gets a copy, in place of the one that is active and of `tracer`; `undefined`: the span is not copied.
   * Asked once for each span, when it starts.
   */
  readonly route?: ((span: ReadableSpan, parentContext: Context) => HoneyHiveTracer | string | undefined) | undefined
  /**
   * Whether a span is copied. Asked when the span ends, and while it is open when a span below it is copied: attributes may
   * be set late. A filter that throws leaves the span out.
   *
   * @defaultValue LLM spans: those that follow OpenInference, Traceloop, the GenAI conventions, the AI SDK, LangSmith or Mastra
   */
  readonly filter?: ((span: ReadableSpan) => boolean) | undefined
}

const OPTIONS: Specs & Readonly<Record<keyof HoneyHiveSpanProcessorOptions, unknown>> = {
  tracer: { accepts: isTracerRef, expected: 'a tracer, a function returning one, or a registered name', remedy: 'Give e.g. the tracer.' },
  route: functionSpec('Give (span, parentContext) => the tracer that gets a copy.'),
  filter: functionSpec('Give (span) => true for those to copy.'),
}

const NO_PROMISE = 'it gave a promise, but must answer at once'
const FLUSH_MS = 30_000
const SHUTDOWN_MS = 5_000

/**
 * A span processor for the OpenTelemetry SDK of an application (`NodeSDK`, `@vercel/otel`, Sentry 10), which makes HoneyHive one
 * more destination: LLM spans are copied to the tracer that is active where they start, with its session, redaction, limits and
 * sampling. The application's own spans, and what its other processors see, stay as they are.
 *
 * A copy keeps its ids. Its parent is the nearest ancestor that is copied as well, in the same session; without one it is a root.
 */
export class HoneyHiveSpanProcessor implements SpanProcessor {
  readonly #tracer: TracerRef | undefined
  readonly #route: HoneyHiveSpanProcessorOptions['route']
  readonly #filter: (span: ReadableSpan) => boolean
  readonly #spans = new HostSpans((span) => this.#finishUnended(span))
  /** Who got copies; a tracer that is gone is not held. */
  readonly #receivers = new WeakSet<Instance>()
  #isShutDown = false

  /** @throws HoneyHiveConfigError for unknown options and wrong values, all at once. */
  constructor(options: HoneyHiveSpanProcessorOptions = {}) {
    const { tracer, route, filter } = checkOptions(options, OPTIONS, 'HoneyHiveSpanProcessor') as HoneyHiveSpanProcessorOptions
    this.#tracer = tracer
    this.#route = route
    this.#filter = filter ?? ((span) => isLlmSpan(span.attributes, spanEventNames(span)))
  }

  /** Remembers where the span starts. */
  onStart(span: Span, parentContext: Context): void {
    attempt('onStart', undefined, () => this.#start(span, parentContext))
  }

  /** Copies the span if it passes. */
  onEnd(span: ReadableSpan): void {
    attempt('onEnd', undefined, () => this.#end(span))
  }

  /** Flushes the tracers that got copies, for 30 seconds at most. Never rejects. */
  forceFlush(): Promise<void> {
    return this.#flush(FLUSH_MS)
  }

  /** Flushes the tracers that got copies, for 5 seconds at most; they stay open. Copies nothing from then on. Never rejects. */
  shutdown(): Promise<void> {
    this.#isShutDown = true
    attempt('shutdown', undefined, () => this.#spans.clear())
    return this.#flush(SHUTDOWN_MS)
  }

  #start(span: Span, parentContext: Context): void {
    const context = span.spanContext()
    if (this.#isShutDown || (context.traceFlags & TraceFlags.SAMPLED) === 0) return
    if (findOwned(span) !== undefined || isOwnRequest(span)) return
    const { parentSpanContext } = span
    const parent = parentSpanContext?.isRemote === true ? undefined : this.#spans.find(parentSpanContext)
    const destination = attempt('route', undefined, () => this.#findDestination(span, parentContext, parent, readSurroundings()))
    this.#spans.add(context, new HostSpan(span, parent, destination))
  }

  #end(span: ReadableSpan): void {
    const known = this.#spans.end(span.spanContext())
    if (known === undefined) return
    const { destination } = known
    if (destination !== undefined && (known.copy !== undefined || this.#passes(span))) {
      openCopy(known, (original) => this.#passes(original))?.finish(span)
      this.#receivers.add(destination.instance)
    }
    known.original = undefined
  }

  /** A child may have named it already. */
  #finishUnended({ copy, original, destination }: HostSpan): void {
    if (copy === undefined || original === undefined || destination === undefined) return
    copy.finish(original)
    this.#receivers.add(destination.instance)
  }

  #passes(span: ReadableSpan): boolean {
    try {
      const answer: unknown = this.#filter(span)
      if (silencePromise(answer)) throw new TypeError(NO_PROMISE)
      return answer === true
    } catch (error) {
      warn('filter', `the filter failed (${describeThrown(error).type}) for "${shownName(span)}", which is not copied`)
      return false
    }
  }

  #findDestination(span: Span, parentContext: Context, parent: HostSpan | undefined, at: Surroundings): Destination | undefined {
    if (this.#route !== undefined) {
      const named = this.#route(span, parentContext)
      if (silencePromise(named)) throw new TypeError(NO_PROMISE)
      return named === undefined ? undefined : toDestination(lookUp(named), parent, false, at)
    }
    const isChosen = trace.getSpan(parentContext) !== at.span
    if (isChosen && parent?.destination !== undefined) return parent.destination
    if (startsInCallbacks(span.instrumentationScope.name) && isContextOfTheQueue()) {
      processDiagnostics.warnOnce(
        'HoneyHiveSpanProcessor:callbacks',
        `HoneyHiveSpanProcessor: "${shownName(span)}" is not copied: ${describeQueue()}.`,
      )
      return undefined
    }
    const { instance, isUnder, isFree } = this.#findOwner(span, parent, at)
    return toDestination(isFree ? lookUp(this.#tracer) : instance, parent, isUnder, at)
  }

  /** The one rule of who owns what starts here, asked as if the host's span around were one of the tracer that gets its copy. */
  #findOwner(span: Span, parent: HostSpan | undefined, at: Surroundings): Owner {
    const standIn = at.owned === undefined ? toStandIn(parent, span) : undefined
    const isOutside = standIn === undefined ? undefined : (): boolean => this.#isAround(parent, at)
    const { instance, span: by, conflict } = findInnermost({ scope: at.scope, span: at.span, owned: at.owned ?? standIn }, isOutside)
    if (conflict !== undefined) {
      warn(
        'conflict',
        `"${shownName(span)}" is not copied: it starts in the scope of ${conflict[1].label} below a span that went to ${conflict[0].label}, and neither was entered inside the other`,
      )
    }
    return {
      instance,
      isUnder: by !== undefined && by === standIn,
      isFree: instance === undefined && by === undefined && conflict === undefined,
    }
  }

  /** Whether the scope was entered inside `parent`. */
  #isAround(parent: HostSpan | undefined, { scope }: Surroundings): boolean {
    const around = this.#spans.find(readSpanContext(scope?.frame.around))
    return parent !== undefined && around?.isWithin(parent) === true
  }

  async #flush(timeoutMs: number): Promise<void> {
    const receivers = [...processState.instances].filter((instance) => this.#receivers.has(instance))
    await NativePromise.all(receivers.map((instance) => (instance as TracerInstance).flush(timeoutMs).catch(() => false)))
  }
}

function toStandIn(parent: HostSpan | undefined, { parentSpanContext }: Span): ReturnType<HostSpan['toOwned']> | undefined {
  return parent?.destination === undefined || parentSpanContext === undefined ? undefined : parent.toOwned(parentSpanContext)
}

interface Owner {
  readonly instance: Instance | undefined
  /** The host's span around decided. */
  readonly isUnder: boolean
  /** No tracer is active at all. */
  readonly isFree: boolean
}

/** The session of the tracer where the span starts, which is that of the host's span around where nothing was entered since. */
function toDestination(
  instance: Instance | undefined,
  parent: HostSpan | undefined,
  isUnder: boolean,
  at: Surroundings,
): Destination | undefined {
  if (instance === undefined || !canCopy(instance)) return undefined
  const around = parent?.destination?.instance === instance ? parent : undefined
  const isLatest = around !== undefined && (isUnder || around.order > (frameOf(instance, at.scope)?.order ?? 0))
  return isLatest ? around.destination : { instance, session: instance.current(at).session }
}

function lookUp(ref: TracerRef | undefined): Instance | undefined {
  if (ref === undefined) return undefined
  const instance = findInstance(ref)
  if (instance === undefined && typeof ref === 'string')
    warn(`unknown:${ref}`, `no tracer is registered as "${ref}", so its spans are not copied`)
  return instance
}

/** An older copy of this package cannot. */
function canCopy(instance: Instance): instance is TracerInstance {
  return 'copy' in instance && typeof instance.copy === 'function'
}

/** Requests of our own are not recorded, whatever instrumented them. */
function isOwnRequest({ attributes }: ReadableSpan): boolean {
  const url = attributes['url.full'] ?? attributes['http.url']
  return typeof url === 'string' && isOwnEndpoint(url)
}

function spanEventNames({ events }: ReadableSpan): string[] {
  return events.map(({ name }) => name)
}

/** Nothing of ours reaches the host's tracing. */
function attempt<R>(what: string, fallback: R, work: () => R): R {
  try {
    return work()
  } catch (error) {
    const { type, message } = describeThrown(error)
    warn(what, `${what} failed, so a span of the host is not copied: ${type}: ${builtInRedactor().line('error', message)}`)
    return fallback
  }
}

/** No tracer owns the span, so its name is shown by the built-in rules. */
function shownName({ name }: { readonly name: string }): string {
  return builtInRedactor().line('name', name)
}

function warn(topic: string, message: string): void {
  processDiagnostics.warn(`HoneyHiveSpanProcessor:${topic}`, `HoneyHiveSpanProcessor: ${message}.`)
}
