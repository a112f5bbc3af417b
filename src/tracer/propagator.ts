import {
  type Context,
  context,
  type Span,
  type SpanContext,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import { isTracingSuppressed, W3CBaggagePropagator } from '@opentelemetry/core'
import type { ResolvedConfig } from '../config/resolved.js'
import type { Frame } from '../context/frame.js'
import type { Instance } from '../context/instance.js'
import { isReceivedByOther, markReceivedBy } from '../context/live-spans.js'
import { readHeader } from '../context/propagation.js'
import { nextOrder } from '../context/scope.js'
import { GuardedSpan } from '../provider/guarded-span.js'
import { isRecordingSpan, readSpanContext } from '../provider/foreign-span.js'
import { ensureContextManager, hasHost } from '../provider/host.js'
import { findOwned } from '../provider/owner.js'
import { keptContext } from '../provider/tracer-provider.js'
import { markReceived, withContextBaggage } from './context-baggage.js'
import { continueFrom, injectInto } from './remote.js'
import { noteWritten, takeBackWritten } from './written-headers.js'

/** Puts a caller's baggage into the context that the extraction gives back, as the standard has it. */
const BAGGAGE = new W3CBaggagePropagator()
/** Names of the headers that are read and written. */
export const FIELDS = ['traceparent', 'tracestate', 'baggage'] as const

/** What the propagator needs of its tracer. */
export interface PropagatedInstance extends Instance {
  readonly redactor: { readonly label: (text: string) => string }
  /** Runs our own work at the border to the host: what it throws is reported, and `fallback` given back. */
  guard<R>(topic: string, fallback: R, work: () => R): R
  /** Writes what the next service needs to continue what is current, or `parent` in the current session. */
  injectCurrent(carrier: unknown, parent?: SpanContext): void
}

/**
 * One tracer's way between services as OpenTelemetry's propagator: W3C trace context and baggage with the session's ids. What
 * it extracts into a context counts for this tracer alone.
 */
export class TracerPropagator implements TextMapPropagator {
  readonly #instance: PropagatedInstance
  readonly #config: ResolvedConfig
  readonly #key: symbol

  /** @param key under which a context holds what was extracted for this tracer. */
  constructor(instance: PropagatedInstance, config: ResolvedConfig, key: symbol) {
    this.#instance = instance
    this.#config = config
    this.#key = key
  }

  inject(at: Context, carrier: unknown, setter: TextMapSetter): void {
    this.#instance.guard('propagator', undefined, () => {
      const headers: Record<string, string> = {}
      takeBackWritten(carrier)
      const present = readHeader(carrier, 'baggage')
      const baggage = isTracingSuppressed(at) ? present : withContextBaggage(present, at, this.#instance.redactor.label)
      if (baggage !== undefined) headers['baggage'] = baggage
      this.#write(at, headers)
      for (const [name, value] of Object.entries(headers)) setter.set(carrier, name, value)
      noteWritten(carrier, present, headers['traceparent'], headers['tracestate'])
    })
  }

  extract(at: Context, carrier: unknown, getter: TextMapGetter): Context {
    return this.#instance.guard('propagator', at, () => {
      const headers = Object.fromEntries(FIELDS.map((name) => [name, getter.get(carrier, name)]))
      const { parent, session, baggage } = continueFrom(headers, this.#config)
      if (parent === undefined && session === undefined && baggage.size === 0) return at
      // Whoever extracts makes the result current next.
      if (this.#config.registerContextManager) ensureContextManager()
      const order = nextOrder()
      const frame: Frame = {
        instance: this.#instance,
        span: undefined,
        nearest: undefined,
        session,
        remoteParent: parent,
        baggage,
        order,
        origin: order,
        since: order,
        around: undefined,
        veiled: 0,
      }
      const continued = markReceived(at, BAGGAGE.extract(at.setValue(this.#key, frame), carrier, getter))
      return parent === undefined ? continued : trace.setSpanContext(continued, markReceivedBy(parent, this.#instance))
    })
  }

  fields(): string[] {
    return [...FIELDS]
  }

  /** Ids without a span behind them, unless they were read for another tracer. */
  #callerIn(given: Span | undefined): SpanContext | undefined {
    if (given === undefined || isRecordingSpan(given) || hasHost()) return undefined
    const caller = readSpanContext(given)
    return isReceivedByOther(caller, this.#instance) ? undefined : caller
  }

  /** The span that `at` names when it is one of this tracer, else what is current. */
  #write(at: Context, headers: Record<string, string>): void {
    if (isTracingSuppressed(at)) return
    const given = at === context.active() ? undefined : trace.getSpan(at)
    const named = findOwned(given)
    const record = named?.owner === this.#instance ? GuardedSpan.recordOf(named) : undefined
    if (record !== undefined) injectInto(headers, keptContext(record), record.session)
    else this.#instance.injectCurrent(headers, named === undefined ? this.#callerIn(given) : undefined)
  }
}
