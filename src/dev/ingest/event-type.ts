import { EventType } from '../../semantics/attributes.js'
import { inferEventType, toEventType } from '../../semantics/event-type.js'
import type { JsonObject } from '../../otlp/json.js'

/** Event types a span may name. */
export const EVENT_TYPES: ReadonlySet<string> = new Set(Object.values(EventType))

/** How an event type is chosen; `strict` lets model signals override an explicit type, as the newest ingestion does. */
export interface EventTypeOptions {
  readonly strict: boolean
  readonly spanEventNames: readonly string[]
}

/** The event type of a span: what it names, else what its vocabulary implies, else `tool`. */
export function resolveEventType(attributes: JsonObject, { strict, spanEventNames }: EventTypeOptions): EventType {
  const named = toEventType(attributes.honeyhive_event_type) ?? toEventType(attributes['honeyhive.event_type'])
  if (!strict && named !== undefined) return named
  return inferEventType(attributes, spanEventNames) ?? named ?? EventType.tool
}
