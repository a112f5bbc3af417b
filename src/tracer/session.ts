import { randomUUID } from 'node:crypto'
import type { SpanContext } from '@opentelemetry/api'
import { ATTRIBUTE } from '../semantics/attributes.js'
import { readIdText, toSessionId } from '../semantics/session-id.js'
import { fieldsOf } from '../options/fields.js'
import { redactorFor } from './instance-redactor.js'
import { mapTexts } from '../values/secrets/map-texts.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { EvaluationIdentity, Session, SessionOptions } from '../context/session.js'

/** Without a prototype, whose fields would be ids. */
export const NO_EVALUATION: EvaluationIdentity = fieldsOf({})

/** Where a remote caller stands. */
export interface Caller {
  readonly parent: SpanContext | undefined
  readonly sessionId: string | undefined
}

/**
 * Makes a session; nothing is sent.
 *
 * @param caller the caller whose trace it continues; one of another session is followed by a link.
 */
export function createSession(
  config: ResolvedConfig,
  options: SessionOptions,
  givenEvaluation: EvaluationIdentity | undefined,
  isCreatedHere: boolean,
  caller?: Caller,
): Session {
  const id = toOwnId(options.sessionId)
  const name = typeof options.sessionName === 'string' ? options.sessionName : `session-${id.slice(0, 8)}`
  const redactor = redactorFor(config)
  const evaluation = toShownEvaluation(givenEvaluation, redactor.label)
  const source = redactor.label(typeof options.source === 'string' ? options.source : config.source)
  const shownName = redactor.text('session_name', name)
  const identity = toIdentity(id, shownName, source, config.project, evaluation, redactor.label)
  return {
    id,
    name,
    source,
    evaluation,
    options,
    identity,
    isCreatedHere: isCreatedHere && options.skipSessionCreation !== true,
    record: { startedAtMs: undefined, isLost: false },
    follows: caller?.sessionId === undefined || caller.sessionId === id ? undefined : caller.parent,
    baggage: undefined,
  }
}

/** Each id is read once: the object is the caller's. */
function toShownEvaluation(given: EvaluationIdentity | undefined, toLabel: (text: string) => string): EvaluationIdentity | undefined {
  if (given === undefined) return undefined
  const { runId, datasetId, datapointId } = given
  return mapTexts({ runId, datasetId, datapointId }, toLabel)
}

/** A blank id is a lookup that found nothing, never an id to share. */
function toOwnId(given: unknown): string {
  const text = readIdText(given) ?? ''
  return text.trim() === '' ? randomUUID() : toSessionId(text)
}

/** The tracer's own session, from its settings. */
export function createOwnSession(config: ResolvedConfig, caller: Caller | undefined): Session {
  const { runId, datasetId, datapointId, sessionName, inputs, metadata, userProperties } = config
  const evaluation = config.isEvaluation || runId !== undefined ? { runId, datasetId, datapointId } : undefined
  const sessionId = config.sessionId ?? caller?.sessionId
  // The record of a remote caller's session was made by that caller.
  const isCreatedHere = !config.skipSessionCreation && (caller?.sessionId === undefined || config.sessionId !== undefined)
  const options = fieldsOf({ sessionName, sessionId, inputs, metadata, userProperties })
  return createSession(config, options, evaluation, isCreatedHere, caller)
}

function toIdentity(
  id: string,
  name: string,
  source: string,
  project: string | undefined,
  evaluation: EvaluationIdentity | undefined,
  toLabel: (text: string) => string,
): Session['identity'] {
  const pairs: (readonly [string, string | boolean | undefined])[] = [
    [ATTRIBUTE.sessionId, id],
    // Harmless where the session exists; where its creation failed, ingestion makes it from the spans.
    [ATTRIBUTE.sessionAutoCreate, true],
    [ATTRIBUTE.sessionName, name],
    [ATTRIBUTE.source, source],
    [ATTRIBUTE.project, project],
    ['honeyhive_metadata.run_id', evaluation?.runId],
    ['honeyhive_metadata.dataset_id', evaluation?.datasetId],
    ['honeyhive_metadata.datapoint_id', evaluation?.datapointId],
  ]
  const given = pairs.filter((pair): pair is readonly [string, string | boolean] => pair[1] !== undefined)
  return Object.freeze(Object.fromEntries(given.map(([name, text]) => [name, typeof text === 'string' ? toLabel(text) : text])))
}

/** Body of the request that starts a session at `startedAtMs`, Unix milliseconds; values still have to be made safe. */
export function toStartBody(
  session: Session,
  startedAtMs: number,
  project: string | undefined,
  toSafe: (path: string, value: unknown) => unknown,
): Record<string, unknown> {
  const { inputs, metadata, userProperties } = session.options
  const { runId, datasetId, datapointId } = session.evaluation ?? NO_EVALUATION
  const ids = { run_id: runId, dataset_id: datasetId, datapoint_id: datapointId }
  const allMetadata = session.evaluation === undefined ? metadata : { ...metadata, ...ids }
  return {
    session_id: session.id,
    session_name: toSafe('session_name', session.name),
    source: session.source,
    start_time: startedAtMs,
    ...(project === undefined ? {} : { project }),
    ...(inputs === undefined ? {} : { inputs: toSafe('inputs', inputs) }),
    ...(allMetadata === undefined ? {} : { metadata: toSafe('metadata', allMetadata) }),
    ...(userProperties === undefined ? {} : { user_properties: toSafe('user_properties', userProperties) }),
  }
}
