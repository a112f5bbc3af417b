import type { Context, Span, SpanContext, SpanOptions } from '@opentelemetry/api'

/** What the context layer needs to know of a tracer. `TracerInstance` implements it. */
export interface Instance {
  /** What users hold of this instance. */
  readonly tracer: TracerHandle
  /** Short text for diagnostics; shows no secret. */
  readonly label: string
  /** False after `shutdown` began. */
  readonly isLive: boolean
  /** Whether the ids of this instance's spans may stand in links of another instance's spans, and the other way round. */
  readonly crossTracerLinks: boolean
  /** Who took its place, when its module was evaluated again. */
  readonly successor?: Instance | undefined
  /** Starts a span for an instrumentor that was handed a routing provider. Never throws. */
  startRoutedSpan(request: RoutedSpan): Span
  /**
   * Flushes for who flushes a routing provider. An older copy of this package has no such method.
   *
   * @throws the errors of what did not arrive, as a list.
   */
  flushRouted?(timeoutMs: number): Promise<void>
  /** Runs `fn` with `span`, one of this instance's own, current for this instance. */
  runWithSpan<R>(span: OwnedSpan, fn: () => R): R
}

/** What users hold of an instance: the tracer that `init` gave them. */
export interface TracerHandle {
  readonly instance: Instance
}

/** What every span of this package, of any copy of it, says of itself. */
export interface OwnedSpan {
  /** The instance it belongs to; `undefined` for a span that nobody records. */
  readonly owner: Instance | undefined
  /** Its own ids, whatever it shows to others. */
  readonly context: SpanContext
  /** Its place in the one order of everything that was entered or started. */
  readonly order: number
  /** Place of the outermost scope or span inside of which it was started; shared by all that is nested there. */
  readonly origin: number
  /** True once nothing can be written to it any more. */
  readonly hasEnded: boolean
}

/** Library that makes spans, as OpenTelemetry's instrumentation scope. One object for each tracer handed out. */
export interface InstrumentationLibrary {
  readonly name: string
  readonly version?: string | undefined
  readonly schemaUrl?: string | undefined
}

/** Where a span stands that an instrumentor starts. */
export interface Place {
  /** Span of ours it nests under, which is the owner's own. */
  readonly parent: OwnedSpan | undefined
  /** Span of another process that it continues. */
  readonly remoteParent: SpanContext | undefined
  /** True when the place was chosen by hand, so that what is current for the instance says nothing. */
  readonly isChosen: boolean
}

/** A span that an instrumentor asked a routing provider for. */
export interface RoutedSpan {
  readonly name: string
  readonly options: SpanOptions
  readonly library: InstrumentationLibrary
  readonly place: Place
  /** Context the span starts in, for samplers and processors. */
  readonly context: Context
  /** The OpenTelemetry span it starts inside of, of whomever. */
  readonly around: Span | undefined
  /** The same when it is one of ours. */
  readonly owned: OwnedSpan | undefined
  /** Ids to show in place of the span's own, beside a host's SDK. */
  readonly shownContext: SpanContext | undefined
}
