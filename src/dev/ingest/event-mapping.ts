/** Turns one span into one event: protocol attributes, HoneyHive's buckets, other vocabularies, and the rest into metadata. */
import { ATTRIBUTE, BUCKETS, BUCKET_PREFIX } from '../../semantics/attributes.js'
import { type Conversation, MESSAGE_EVENTS, readConversation } from '../../semantics/conversation.js'
import { type Embeddings, readEmbeddings } from '../../semantics/embeddings.js'
import { translateGenkit } from '../../semantics/genkit.js'
import { translateMastra } from '../../semantics/mastra.js'
import { setPath, unflatten } from '../../semantics/unflatten.js'
import { ASSOCIATION_PREFIX, ATTRIBUTE_RULES, MERGE_RULES, PREFIX_RULES, PROTOCOL_ATTRIBUTES } from '../../semantics/vocabulary.js'
import { createBody, type EventBody, type EventBucket, fill, fillOrKeep, fillPath, readPath, toEventBucket } from '../store/event-body.js'
import type { EventRecord } from '../store/event-record.js'
import { resolveEventType } from './event-type.js'
import { formatUuid, isUuid, toSessionUuid } from '../store/ids.js'
import { detectInstrumentor } from './instrumentor.js'
import { createObject, isObject, type JsonObject, readEmbeddedJson, toFiniteNumber, toNonEmptyText, toObject } from '../../otlp/json.js'
import type { DecodedSpan } from '../../otlp/decoded-span.js'
import { addUsage } from './usage.js'
import { createSpanAttributes, type SpanAttributes } from './span-attributes.js'
import { fillAnswer, fillConversation, readMergedValue, takeValues } from './values.js'

/** An event as a span describes it, and what its project, id and parent are looked up by. */
export interface MappedEvent extends Omit<EventRecord, Place> {
  readonly resource: JsonObject
  /** Only when the span names a valid one. */
  readonly eventId: string | undefined
  /** Whether the span named its session; otherwise its trace stands in. */
  readonly hasSession: boolean
  readonly autoCreate: boolean
  readonly sessionName: string
  readonly projectLabel: string | undefined
  /** Parent named by attribute: a UUID, or a span id of the same trace. */
  readonly explicitParent: string | undefined
}

/** What only the store knows of an event. */
type Place = 'projectId' | 'id' | 'parentId' | 'processId'

/** Settings of {@link toEvent}. */
export interface MappingOptions {
  /** Model signals override an explicit event type, and only documented sources set `error`. @defaultValue false */
  readonly strict?: boolean
  /** Whether JSON text inside the buckets is read. @defaultValue true */
  readonly parseJson?: boolean
  /** Whether `ai.telemetry.metadata.sessionId` names the session, as on the Next.js route. @defaultValue false */
  readonly nextJs?: boolean
}

/** Maps one span. Never throws, whatever its attributes hold. */
export function toEvent(span: DecodedSpan, { strict = false, parseJson = true, nextJs = false }: MappingOptions = {}): MappedEvent {
  const given: JsonObject = Object.assign(createObject(), span.resource, span.attributes)
  const all = translateGenkit(translateMastra(given))
  const attributes = createSpanAttributes(all)
  const spanEventNames = span.events.map((event) => event.name)
  const type = resolveEventType(given, { strict, spanEventNames })
  const instrumentor = detectInstrumentor(span.scopeName, attributes, spanEventNames)
  const root = readRoot(attributes, nextJs)
  const body = takeBuckets(attributes, parseJson)
  addLineage(body.metadata, span, instrumentor, attributes)
  addExperiment(body.metadata, attributes)
  const error = takeError(attributes, span, strict)
  const embeddings = readEmbeddings(all)
  if (embeddings !== undefined) takeEmbeddings(attributes, embeddings, body)
  takeMessages(attributes, readConversation(all, span.events), body)
  const reply = takeValues(attributes, type, body)
  takeTables(attributes, type, body)
  addUsage(body.metadata, type === 'model' ? reply : undefined)
  takeRemaining(attributes, span, body.metadata)
  finishBody(body, type)
  const sessionId = root.sessionId ?? formatUuid(span.traceId)
  return {
    ...root,
    resource: span.resource,
    startMs: span.startMs,
    endMs: span.endMs,
    durationMs: toDuration(span),
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId === '' ? null : span.parentSpanId,
    links: span.links,
    sessionId,
    hasSession: root.sessionId !== undefined,
    type,
    name: root.name ?? (span.name === '' ? 'unknown' : span.name),
    error,
    body,
  }
}

/** The difference of two large times carries rounding noise below the microsecond. */
function toDuration({ startMs, endMs }: DecodedSpan): number {
  return Math.round((endMs - startMs) * 1e3) / 1e3
}

function readRoot(
  attributes: SpanAttributes,
  nextJs: boolean,
): Pick<MappedEvent, 'eventId' | 'autoCreate' | 'sessionName' | 'source' | 'projectLabel' | 'explicitParent'> & {
  sessionId: string | undefined
  name: string | undefined
} {
  const association = (key: string): unknown => attributes.peek(`${ASSOCIATION_PREFIX}${key}`)
  const eventId = attributes.take(ATTRIBUTE.eventId)
  const autoCreate = attributes.peek(ATTRIBUTE.sessionAutoCreate)
  return {
    eventId: isUuid(eventId) ? eventId.toLowerCase() : undefined,
    sessionId:
      toSessionUuid(attributes.peek(ATTRIBUTE.sessionId)) ??
      toSessionUuid(association('session_id')) ??
      toSessionUuid(attributes.peek('session.id')) ??
      (nextJs ? toSessionUuid(attributes.peek('ai.telemetry.metadata.sessionId')) : undefined),
    autoCreate: autoCreate === true || autoCreate === 'true',
    sessionName: toNonEmptyText(attributes.peek(ATTRIBUTE.sessionName)) ?? 'Session',
    name: toNonEmptyText(attributes.take(ATTRIBUTE.eventName)) ?? toNonEmptyText(attributes.take('honeyhive.event_name')),
    source: toNonEmptyText(attributes.peek(ATTRIBUTE.source)) ?? toNonEmptyText(association('source')) ?? 'otlp',
    projectLabel:
      toNonEmptyText(attributes.peek(ATTRIBUTE.project)) ??
      toNonEmptyText(attributes.peek('honeyhive.project_name')) ??
      toNonEmptyText(association('project')) ??
      toNonEmptyText(association('project_name')),
    explicitParent: toNonEmptyText(attributes.peek(ATTRIBUTE.parentId)) ?? toNonEmptyText(association('parent_id')),
  }
}

function takeBuckets(attributes: SpanAttributes, parseJson: boolean): EventBody {
  const body = createBody()
  for (const bucket of BUCKETS) {
    const name = toEventBucket(bucket)
    const entries: [string, unknown][] = []
    for (const prefix of [BUCKET_PREFIX[bucket], `honeyhive.${name}`]) {
      const whole = attributes.has(prefix) ? readEmbeddedJson(attributes.take(prefix)) : undefined
      if (isObject(whole)) entries.push(...Object.entries(whole))
      else if (whole !== undefined) entries.push(['value', whole])
      entries.push(...attributes.takePrefixed(`${prefix}.`))
    }
    body[name] = unflatten(entries, parseJson)
  }
  return body
}

function addLineage(metadata: JsonObject, span: DecodedSpan, instrumentor: string, attributes: SpanAttributes): void {
  metadata.trace_id = span.traceId
  metadata.span_id = span.spanId
  metadata.parent_span_id = span.parentSpanId
  metadata.has_otlp_lineage = true
  metadata.instrumentor =
    instrumentor === 'unknown' ? (toNonEmptyText(attributes.peek('telemetry.sdk.name')) ?? instrumentor) : instrumentor
  if (span.scopeName !== '') metadata['scope.name'] = span.scopeName
  if (span.scopeVersion !== '') metadata['scope.version'] = span.scopeVersion
}

function addExperiment(metadata: JsonObject, attributes: SpanAttributes): void {
  const whole = toObject(readEmbeddedJson(attributes.peek('honeyhive.experiment_metadata')))
  const dotted = attributes.takePrefixed('honeyhive.experiment_metadata.')
  const associated = ['run_id', 'dataset_id', 'datapoint_id', 'disable_http_tracing'].map(
    (key) => [key, attributes.peek(`${ASSOCIATION_PREFIX}${key}`)] as const,
  )
  for (const [key, value] of [...Object.entries(whole), ...dotted, ...associated]) {
    if (value !== undefined && value !== null) fill(metadata, key, value)
  }
}

function takeError(attributes: SpanAttributes, span: DecodedSpan, strict: boolean): string | null {
  const named = toErrorText(attributes.take(ATTRIBUTE.error)) ?? toErrorText(attributes.take('honeyhive.error'))
  if (named !== undefined) return named
  const status = toFiniteNumber(attributes.peek('http.response.status_code') ?? attributes.peek('http.status_code'))
  if (status !== undefined && status >= 400) return `HTTP ${status}`
  if (strict || !span.isError) return null
  const exception = span.events.find((event) => event.name === 'exception')
  return toNonEmptyText(span.statusMessage) ?? toNonEmptyText(exception?.attributes['exception.message']) ?? 'error'
}

function toErrorText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What was embedded, and the size of what came out in place of the vectors. */
function takeEmbeddings(attributes: SpanAttributes, { input, count, dimensions, usedKeys }: Embeddings, body: EventBody): void {
  takeAll(attributes, usedKeys)
  fill(body.inputs, 'input', input)
  fill(body.outputs, 'embeddings', count)
  fill(body.outputs, 'dimensions', dimensions)
  const value = readEmbeddedJson(attributes.peek('input.value'))
  if (input !== undefined && [JSON.stringify(input), JSON.stringify([input])].includes(JSON.stringify(value)))
    attributes.take('input.value')
}

function takeMessages(attributes: SpanAttributes, { input, output }: Conversation, body: EventBody): void {
  if (input.messages.length > 0 && fill(body.inputs, 'chat_history', input.messages)) takeAll(attributes, input.keys)
  if (output.messages.length === 0) return
  fillAnswer(body.outputs, output.messages)
  takeAll(attributes, output.keys)
}

function takeAll(attributes: SpanAttributes, keys: readonly string[]): void {
  for (const key of keys) attributes.take(key)
}

function takeTables(attributes: SpanAttributes, type: string, body: EventBody): void {
  for (const { from, to } of ATTRIBUTE_RULES) {
    for (const source of from) {
      const value = attributes.peek(source)
      if (value === undefined) continue
      const used = to.map((target) => fillPath(body, target, target === 'config.tools' ? toTools(value) : value))
      // The same said under the names of two conventions is said once.
      if (used.includes(true) || to.every((target) => readPath(body, target) === value)) attributes.take(source)
    }
  }
  for (const { from, bucket, fallbackKey } of MERGE_RULES) {
    if (!attributes.has(from)) continue
    const value = readMergedValue(from, attributes.take(from), bucket, type)
    if (fillConversation(body, bucket, value)) continue
    for (const [key, item] of Object.entries(isObject(value) ? value : { [fallbackKey]: value }))
      fillOrKeep(body, bucket as EventBucket, key, item, `${from}.${key}`)
  }
  takeFinishReasons(attributes, body.metadata)
  takeFamilies(attributes, body)
}

/** Definitions of tools: each may be JSON text of its own, or lie in the wrapper of OpenInference. */
function toTools(value: unknown): unknown {
  const tools = readEmbeddedJson(value)
  if (!Array.isArray(tools)) return tools
  return tools.map((tool) => readEmbeddedJson(toObject(toObject(tool).tool).json_schema ?? tool))
}

function takeFinishReasons(attributes: SpanAttributes, metadata: JsonObject): void {
  const reasons = readEmbeddedJson(attributes.take('gen_ai.response.finish_reasons'))
  if (reasons === undefined) return
  fill(metadata, 'finish_reasons', reasons)
  fill(metadata, 'finish_reason', Array.isArray(reasons) ? reasons[0] : reasons)
}

function takeFamilies(attributes: SpanAttributes, body: EventBody): void {
  for (const { prefix, to } of PREFIX_RULES) {
    const taken = attributes.takePrefixed(prefix)
    if (taken.length === 0) continue
    const [bucket = '', ...path] = to.split('.').filter((segment) => segment !== '')
    const tree = unflatten(taken, true)
    const target = body[bucket as EventBucket]
    const [under] = path
    if (path.length === 1 && under === 'tools') fill(target, under, toTools(Object.values(tree)))
    else if (path.length > 0) setPath(target, path, tree)
    else for (const [key, value] of Object.entries(tree)) fillOrKeep(body, bucket as EventBucket, key, value, `${prefix}${key}`)
  }
}

function takeRemaining(attributes: SpanAttributes, span: DecodedSpan, metadata: JsonObject): void {
  const steering = new Set(PROTOCOL_ATTRIBUTES)
  for (const [key, value] of attributes.remaining()) {
    if (!steering.has(key)) fill(metadata, key, value)
  }
  if (span.events.length === 0) return
  metadata['_meta.event_count'] = span.events.length
  const seen = new Map<string, number>()
  for (const event of span.events) {
    if (MESSAGE_EVENTS.has(event.name)) continue
    const count = seen.get(event.name) ?? 0
    seen.set(event.name, count + 1)
    const prefix = count === 0 ? `_event.${event.name}` : `_event.${event.name}.${count}`
    for (const [key, value] of Object.entries(event.attributes)) metadata[`${prefix}.${key}`] = value
  }
}

function finishBody({ outputs, config, metadata }: EventBody, type: string): void {
  if (typeof outputs.message === 'string' && type !== 'tool') {
    fill(outputs, 'content', outputs.message)
    fill(outputs, 'role', 'assistant')
    delete outputs.message
  }
  if (config.model !== undefined) fill(metadata, 'model_name', config.model)
}
