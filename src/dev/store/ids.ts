import { randomUUID } from 'node:crypto'
import { readIdText, toSessionId } from '../../semantics/session-id.js'
import { toNameUuid } from '../../semantics/uuid.js'

export { formatUuid, isUuid } from '../../semantics/uuid.js'

/** The id of the session that `value` names; nothing, and text of spaces alone, name none. */
export function toSessionUuid(value: unknown): string | undefined {
  const text = readIdText(value)?.trim() ?? ''
  return text === '' ? undefined : toSessionId(text)
}

/** The id an event has unless its span names one: always the same for one span, so a resent span finds its event. */
export function toEventId(projectId: number, traceId: string, spanId: string): string {
  return toNameUuid(`${projectId}:${traceId}:${spanId}`)
}

/** A new random UUID. */
export function createId(): string {
  return randomUUID()
}
