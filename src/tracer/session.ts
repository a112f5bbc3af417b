import { randomUUID } from 'node:crypto'
import type { SpanContext } from '@opentelemetry/api'
import { ATTRIBUTE } from '../semantics/attributes.js'
import { readIdText, toOwnId } from '../semantics/session-id.js'
import { fieldsOf } from '../options/fields.js'
import { redactorFor } from './instance-redactor.js'
import type { Plain, PlainObject } from '../values/plain.js'
import { mapTexts } from '../values/secrets/map-texts.js'
import type { ResolvedConfig } from '../config/resolved.js'
import type { EvaluationIdentity, Session, SessionOptions, SessionRecord } from '../context/session.js'

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
  const id = toOwnId(readIdText(options.sessionId))
  const follows = caller?.sessionId === undefined || caller.sessionId === id ? undefined : caller.parent
  return new OwnSession({ config, id, options, evaluation: readEvaluation(givenEvaluation), isCreatedHere, follows })
}

/** A copy of a session with other baggage, for what leaves this process. */
export function withBaggage(session: Session, baggage: Map<string, string>): Session {
  const { id, name, source, evaluation, options, identity, isCreatedHere, record, follows } = session
  return { id, name, source, evaluation, options, identity, isCreatedHere, record, follows, baggage }
}

interface SessionParts extends Pick<Session, 'options' | 'isCreatedHere' | 'follows'> {
  readonly id: string | undefined
  readonly config: ResolvedConfig
  readonly evaluation: EvaluationIdentity | undefined
}

type ShownParts = Pick<Session, 'source' | 'evaluation' | 'identity'>

/** A session of this process. What its spans carry is made for the first of them: a session may have none. */
class OwnSession implements Session {
  readonly name: string
  readonly options: SessionOptions
  readonly isCreatedHere: boolean
  readonly record: SessionRecord = { startedAtMs: undefined, isLost: false }
  readonly follows: SpanContext | undefined
  baggage: Map<string, string> | undefined = undefined
  readonly #config: ResolvedConfig
  readonly #given: EvaluationIdentity | undefined
  #id: string | undefined
  #shown: ShownParts | undefined

  constructor({ config, id, options, evaluation, isCreatedHere, follows }: SessionParts) {
    this.#id = id
    this.name = typeof options.sessionName === 'string' ? options.sessionName : `session-${this.id.slice(0, 8)}`
    this.options = options
    this.isCreatedHere = isCreatedHere && options.skipSessionCreation !== true
    this.follows = follows
    this.#config = config
    this.#given = evaluation
  }

  get id(): string {
    this.#id ??= newId()
    return this.#id
  }

  get source(): string {
    return this.#parts.source
  }

  get evaluation(): EvaluationIdentity | undefined {
    return this.#parts.evaluation
  }

  get identity(): Session['identity'] {
    return this.#parts.identity
  }

  get #parts(): ShownParts {
    this.#shown ??= toShownParts(this, this.#config, this.#given)
    return this.#shown
  }
}

function toShownParts({ id, name, options }: OwnSession, config: ResolvedConfig, given: EvaluationIdentity | undefined): ShownParts {
  const redactor = redactorFor(config)
  const evaluation = given === undefined ? undefined : mapTexts(given, redactor.label)
  const source = redactor.label(typeof options.source === 'string' ? options.source : config.source)
  const shownName = redactor.text('session_name', name)
  return { source, evaluation, identity: toIdentity(id, shownName, source, config.project, evaluation, redactor.label) }
}

/** Each id is read once: the object is the caller's. */
function readEvaluation(given: EvaluationIdentity | undefined): EvaluationIdentity | undefined {
  if (given === undefined) return undefined
  const { runId, datasetId, datapointId } = given
  return { runId, datasetId, datapointId }
}

/** A UUID in one piece: Node's is put together of its digits, and holds all the parts, a kilobyte, for as long as the session. */
function newId(): string {
  const id = randomUUID()
  try {
    return Buffer.from(id, 'latin1').toString('latin1')
  } catch {
    // A host that changed `Buffer`; it is asked for in the middle of its own code.
    return id
  }
}

/**
 * The tracer's own session, from its settings.
 *
 * @param copy takes a copy of a field: the session starts with the first span, and the caller may have changed its objects by then.
 */
export function createOwnSession(config: ResolvedConfig, caller: Caller | undefined, copy: (value: object) => Plain): Session {
  const { runId, datasetId, datapointId, sessionName } = config
  const evaluation = config.isEvaluation || runId !== undefined ? { runId, datasetId, datapointId } : undefined
  const sessionId = config.sessionId ?? caller?.sessionId
  // The record of a remote caller's session was made by that caller.
  const isCreatedHere = !config.skipSessionCreation && (caller?.sessionId === undefined || config.sessionId !== undefined)
  const options = fieldsOf({ sessionName, sessionId, ...(isCreatedHere ? copyFields(config, copy) : {}) })
  return createSession(config, options, evaluation, isCreatedHere, caller)
}

function copyFields({ inputs, metadata, userProperties }: ResolvedConfig, copy: (value: object) => Plain): SessionOptions {
  // An object of fields stays one as a copy.
  const take = (value: object | undefined): SessionOptions['inputs'] => value && (copy(value) as PlainObject)
  return { inputs: take(inputs), metadata: take(metadata), userProperties: take(userProperties) }
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
  const allMetadata =
    session.evaluation === undefined
      ? metadata
      : { ...metadata, ...toGiven({ run_id: runId, dataset_id: datasetId, datapoint_id: datapointId }) }
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

function toGiven(ids: Readonly<Record<string, string | undefined>>): object {
  return Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== undefined))
}
