import type { Span, SpanContext } from '@opentelemetry/api'
import type { Instance, OwnedSpan } from './instance.js'
import type { Session } from './session.js'

/** What is current for one instance. */
export interface Frame {
  readonly instance: Instance
  /** Innermost active span of this instance, if any. */
  readonly span: OwnedSpan | undefined
  /** The same, or where a remote caller took its place, the one around that. */
  readonly nearest: OwnedSpan | undefined
  /** Session chosen for this context; `undefined` means the instance's own. */
  readonly session: Session | undefined
  /** Parent received from another process through `withRemoteContext`. */
  readonly remoteParent: SpanContext | undefined
  /** Baggage of this instance only. */
  readonly baggage: ReadonlyMap<string, string> | undefined
  /** Place in the one order of everything that was entered or started. */
  readonly order: number
  /** Place of the outermost scope or span inside of which it was entered. */
  readonly origin: number
  /** Place from which on this instance has been innermost in this session, without another tracer or session in between. */
  readonly since: number
  /** The active OpenTelemetry span, of whomever, when it was entered. */
  readonly around: Span | undefined
  /**
   * Place in the order of the last frame, this one or one further out, that was entered inside of a span of somebody else, which hides
   * what spans of ours it stands in; 0 for none.
   */
  readonly veiled: number
}

/** A frame before it is entered. */
export type FrameValues = Omit<Frame, 'nearest' | 'order' | 'origin' | 'since' | 'around' | 'veiled'>

/** What is around a frame that is entered. */
export interface Around {
  readonly scope: Scope | undefined
  /** The active OpenTelemetry span, of whomever. */
  readonly span: Span | undefined
  /** The same when it is one of ours. */
  readonly owned: OwnedSpan | undefined
}

/**
 * What is current in an async context: the innermost instance first, then one frame for each other instance that is
 * active further out. Immutable, and never longer than the number of distinct instances that are nested.
 */
export interface Scope {
  readonly frame: Frame
  readonly outer: Scope | undefined
}
