import { NativeMap, NativeSet } from '../builtins.js'
import type { SpanContext } from '@opentelemetry/api'
import { toOwnId } from '../semantics/session-id.js'
import type { ResolvedConfig } from '../config/resolved.js'
import {
  BAGGAGE,
  deleteHeader,
  parseBaggage,
  readHeader,
  readRemoteContext,
  type RemoteContext,
  toBaggageHeader,
  toTraceparent,
  writeHeader,
} from '../context/propagation.js'
import type { EvaluationIdentity, Session } from '../context/session.js'
import { noteWritten, takeBackWritten } from './written-headers.js'
import { NO_EVALUATION, type Caller, createSession } from './session.js'

/**
 * Writes `traceparent`, `tracestate` and our entries of `baggage` on a carrier; other baggage that is there stays, and what the
 * injection before wrote there does not.
 */
export function injectInto(carrier: unknown, span: SpanContext | undefined, session: Session): boolean {
  takeBackWritten(carrier)
  const { runId, datasetId, datapointId } = session.evaluation ?? NO_EVALUATION
  const identity: [string, string | undefined][] = [
    [BAGGAGE.sessionId, session.id],
    [BAGGAGE.source, session.source],
    [BAGGAGE.runId, runId],
    [BAGGAGE.datasetId, datasetId],
    [BAGGAGE.datapointId, datapointId],
  ]
  // Identity first: what does not fit is left out from the end. An entry of the user's never stands for it.
  const entries = [...identity, ...[...(session.baggage ?? [])].filter(([name]) => !NOT_BAGGAGE.has(name))]
  const present = entries.filter((entry): entry is [string, string] => entry[1] !== undefined)
  const baggage = readHeader(carrier, 'baggage')
  if (!writeHeader(carrier, 'baggage', toBaggageHeader(present, baggage))) return false
  const parent = span === undefined ? undefined : toTraceparent(span)
  const state = span?.traceState?.serialize() ?? ''
  if (parent === undefined) dropParentOfOther(carrier, baggage, session)
  noteWritten(carrier, baggage, parent, state)
  return (
    parent === undefined || (writeHeader(carrier, 'traceparent', parent) && (state === '' || writeHeader(carrier, 'tracestate', state)))
  )
}

/** A copy of headers that were written for another session names a span that is no parent in this one. */
function dropParentOfOther(carrier: unknown, baggage: string | undefined, session: Session): void {
  const written = readSessionId(parseBaggage(baggage))
  if (written === undefined || written === session.id) return
  deleteHeader(carrier, 'traceparent')
  deleteHeader(carrier, 'tracestate')
}

/** Reads where a remote caller's headers say it stands. */
export function readCaller(carrier: unknown): Caller {
  const { parent, baggage } = readRemoteContext(carrier)
  return { parent, sessionId: readSessionId(baggage) }
}

/** What a remote caller's headers mean for one tracer. */
export interface Continuation {
  readonly parent: SpanContext | undefined
  /** The caller's session, when it named one. */
  readonly session: Session | undefined
  /** The caller's other baggage: readable, never an attribute and never sent on by itself. */
  readonly baggage: ReadonlyMap<string, string>
}

// What the Python SDK writes besides: its tracer id would choose a local key, the rest repeats what we take from elsewhere.
const NOT_BAGGAGE: ReadonlySet<string> = new NativeSet([
  ...Object.values(BAGGAGE),
  'honeyhive_tracer_id',
  'project',
  'parent_id',
  'session_name',
])

const SESSION_NAMES = [BAGGAGE.sessionId, 'honeyhive_session_id', 'honeyhive.session_id'] as const
const SAID_BY_US: ReadonlySet<string> = new Set([...NOT_BAGGAGE, ...SESSION_NAMES])

/** Whether tracers of ours speak to each other under this name of a baggage entry. */
export function isSaidByUs(name: string): boolean {
  return SAID_BY_US.has(name)
}

/** Reads a remote caller's headers; nothing in them can choose a tracer or a key. */
export function continueFrom(carrier: unknown, config: ResolvedConfig): Continuation {
  const remote = readRemoteContext(carrier)
  const baggage = new NativeMap([...remote.baggage].filter(([name]) => !NOT_BAGGAGE.has(name)))
  return { parent: remote.parent, session: toSession(remote, config), baggage }
}

function toSession({ baggage }: RemoteContext, config: ResolvedConfig): Session | undefined {
  const sessionId = readSessionId(baggage)
  const evaluation = toEvaluation(baggage)
  if (sessionId === undefined) return undefined
  // The caller made the session record; ingestion makes it if that failed.
  const options = { sessionId, source: baggage.get(BAGGAGE.source), sessionName: baggage.get('session_name') ?? config.sessionName }
  return createSession(config, options, evaluation, false)
}

/** The session id in a caller's baggage, normalised; the names are those the Python SDK reads. */
export function readSessionId(baggage: ReadonlyMap<string, string>): string | undefined {
  const id = SESSION_NAMES.map((name) => baggage.get(name)).find((found) => found !== undefined)
  return toOwnId(id)
}

function toEvaluation(baggage: ReadonlyMap<string, string>): EvaluationIdentity | undefined {
  const identity = {
    runId: baggage.get(BAGGAGE.runId),
    datasetId: baggage.get(BAGGAGE.datasetId),
    datapointId: baggage.get(BAGGAGE.datapointId),
  }
  return Object.values(identity).some((id) => id !== undefined) ? identity : undefined
}
