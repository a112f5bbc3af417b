import type { SpanAttributes } from './span-attributes.js'
import {
  GENAI_OPERATIONS,
  MODEL_ATTRIBUTE_PREFIXES,
  MODEL_ATTRIBUTES,
  MODEL_SPAN_EVENTS,
  OPENINFERENCE_KINDS,
  TRACELOOP_KINDS,
} from './vocabulary.js'

/** Event types a span may name. */
export const EVENT_TYPES: ReadonlySet<string> = new Set(['session', 'chain', 'model', 'tool', 'generic'])

/** How an event type is chosen; `strict` lets model signals override an explicit type, as the newest ingestion does. */
export interface EventTypeOptions {
  readonly strict: boolean
  readonly spanEventNames: readonly string[]
}

/** The event type of a span: what it names, else what its vocabulary implies, else `tool`. */
export function resolveEventType(attributes: SpanAttributes, { strict, spanEventNames }: EventTypeOptions): string {
  const named = toKnownType(attributes.peek('honeyhive_event_type')) ?? toKnownType(attributes.peek('honeyhive.event_type'))
  if (!strict && named !== undefined) return named
  return fromVocabulary(attributes, spanEventNames) ?? named ?? 'tool'
}

function fromVocabulary(attributes: SpanAttributes, spanEventNames: readonly string[]): string | undefined {
  return (
    lookUp(OPENINFERENCE_KINDS, upper(attributes.peek('openinference.span.kind'))) ??
    lookUp(TRACELOOP_KINDS, lower(attributes.peek('traceloop.span.kind'))) ??
    lookUp(GENAI_OPERATIONS, lower(attributes.peek('gen_ai.operation.name'))) ??
    (isAgentOnly(attributes) ? 'chain' : undefined) ??
    (isModelCall(attributes, spanEventNames) ? 'model' : undefined)
  )
}

function isAgentOnly(attributes: SpanAttributes): boolean {
  return (attributes.has('gen_ai.agent.name') || attributes.has('agent_name')) && !attributes.has('gen_ai.request.model')
}

function isModelCall(attributes: SpanAttributes, spanEventNames: readonly string[]): boolean {
  return (
    MODEL_ATTRIBUTES.some((key) => attributes.has(key)) ||
    MODEL_ATTRIBUTE_PREFIXES.some((prefix) => attributes.hasPrefix(prefix)) ||
    isNonEmpty(attributes.peek('input.value')) ||
    isNonEmpty(attributes.peek('output.value')) ||
    spanEventNames.some((name) => MODEL_SPAN_EVENTS.includes(name))
  )
}

function toKnownType(value: unknown): string | undefined {
  const type = lower(value)
  return EVENT_TYPES.has(type) ? type : undefined
}

function lookUp(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function isNonEmpty(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function lower(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : ''
}

function upper(value: unknown): string {
  return typeof value === 'string' ? value.toUpperCase() : ''
}
