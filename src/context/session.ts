import type { SpanContext } from '@opentelemetry/api'
import type { OwnedSpan } from './instance.js'

/** Experiment run, dataset and datapoint that the spans of a session belong to. */
export interface EvaluationIdentity {
  readonly runId?: string | undefined
  readonly datasetId?: string | undefined
  readonly datapointId?: string | undefined
}

/** What the user may say of a session. */
export interface SessionOptions {
  /** @defaultValue `session-` and the first eight digits of the id */
  readonly sessionName?: string | undefined
  /** A UUID is kept, other text becomes one by `toSessionId`. @defaultValue a new UUID */
  readonly sessionId?: string | undefined
  readonly inputs?: Readonly<Record<string, unknown>> | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
  readonly userProperties?: Readonly<Record<string, unknown>> | undefined
  /** Environment label of this session. @defaultValue the tracer's `source` */
  readonly source?: string | undefined
  /** Attach to a session that exists already: no request is made for it. @defaultValue false */
  readonly skipSessionCreation?: boolean | undefined
  /** Sees each span of the session at its end, before it is queued; for `honeyhive-tracer/experiments`. @internal */
  readonly onSpanEnd?: ((span: OwnedSpan) => void) | undefined
}

/** What is known of the record that the backend keeps of a session. */
export interface SessionRecord {
  /** Unix milliseconds it was asked to start with; `undefined` before that. */
  startedAtMs: number | undefined
  /** Whether the backend did not take it. */
  isLost: boolean
}

/** One session of one tracer: the group its spans belong to. */
export interface Session {
  readonly id: string
  readonly name: string
  readonly source: string
  readonly evaluation: EvaluationIdentity | undefined
  readonly options: SessionOptions
  /** Attributes that every span of the session carries, the same object for all of them. */
  readonly identity: Readonly<Record<string, string | boolean>>
  /** Whether this process asks the backend to make the session record. */
  readonly isCreatedHere: boolean
  readonly record: SessionRecord
  /** Work of another session that its first spans follow from. */
  readonly follows: SpanContext | undefined
  /** Entries set by `setBaggage` in this session. */
  baggage: Map<string, string> | undefined
}
