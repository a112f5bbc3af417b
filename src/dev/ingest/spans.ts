/** Stores the events of one export request. */
import { createHash } from 'node:crypto'
import type { WriteScope } from '../context.js'
import type { Transaction } from '../store/change-queue.js'
import { toInsert } from '../store/statement.js'
import { createBody } from '../store/event-body.js'
import type { MappedEvent } from './event-mapping.js'
import { isUuid, toEventId } from '../store/ids.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText } from '../../otlp/json.js'

/** Stores mapped spans and the sessions and processes they name. */
export function storeEvents(scope: WriteScope, events: readonly MappedEvent[], headerLabel: string | undefined): void {
  const processes = new Map<JsonObject, string | null>()
  for (const event of events) {
    const projectId = scope.projectOf(event.projectLabel ?? headerLabel)
    const { resource } = event.span
    const processId = processes.get(resource) ?? saveProcess(scope.tx, resource, projectId, event.span.startMs, event.span.endMs)
    processes.set(resource, processId)
    if (event.autoCreate && event.hasSession && !scope.events.hasRecord(projectId, event.sessionId)) createSession(scope, projectId, event)
    storeEvent(scope, projectId, processId, event)
  }
}

function storeEvent({ events }: WriteScope, projectId: number, processId: string | null, event: MappedEvent): void {
  const { span } = event
  events.put({
    projectId,
    id: event.eventId ?? toEventId(projectId, span.traceId, span.spanId),
    sessionId: event.sessionId,
    parentId: findParent(events, projectId, event),
    type: event.type,
    name: event.name,
    source: event.source,
    startMs: span.startMs,
    endMs: span.endMs,
    durationMs: toDuration(span),
    error: event.error,
    body: event.body,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId === '' ? null : span.parentSpanId,
    processId,
    links: span.links,
  })
}

function findParent(events: WriteScope['events'], projectId: number, { span, explicitParent, sessionId }: MappedEvent): string {
  if (span.parentSpanId !== '') return events.eventIdOf(projectId, span.traceId, span.parentSpanId)
  const parent = explicitParent?.toLowerCase() ?? ''
  if (/^[0-9a-f]{16}$/.test(parent) && parent !== span.spanId) return events.eventIdOf(projectId, span.traceId, parent)
  if (isUuid(parent)) return parent
  return sessionId
}

function createSession({ events }: WriteScope, projectId: number, { sessionId, sessionName, source, span, body }: MappedEvent): void {
  const sessionBody = createBody()
  for (const key of ['run_id', 'dataset_id', 'datapoint_id']) {
    if (body.metadata[key] !== undefined) sessionBody.metadata[key] = body.metadata[key]
  }
  const session = {
    projectId,
    id: sessionId,
    sessionId,
    parentId: null,
    type: 'session',
    name: sessionName,
    source,
    startMs: span.startMs,
    endMs: span.endMs,
    durationMs: toDuration(span),
    error: null,
    body: sessionBody,
    traceId: null,
    spanId: null,
    parentSpanId: null,
    processId: null,
    links: [],
  }
  events.putSession(session, 'auto')
}

/** The difference of two large times carries rounding noise below the microsecond. */
function toDuration({ startMs, endMs }: MappedEvent['span']): number {
  return Math.round((endMs - startMs) * 1e3) / 1e3
}

/** Remembers who sent: one process is one host, pid, service and instance. */
export function saveProcess(tx: Transaction, resource: JsonObject, projectId: number, startMs: number, endMs: number): string | null {
  const pid = toFiniteNumber(resource['process.pid']) ?? null
  const host = toNonEmptyText(resource['host.name']) ?? null
  const service = toNonEmptyText(resource['service.name']) ?? null
  const instance = toNonEmptyText(resource['service.instance.id']) ?? null
  if (pid === null && host === null && service === null && instance === null) return null
  // A pid on one host is one process, whatever service name each of its tracers has.
  const identity = pid === null ? [host, service, instance] : [host, pid]
  const id = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16)
  const row = { id, pid, host, service, first_seen_ms: startMs, last_seen_ms: endMs }
  tx.run(
    ...toInsert(
      'processes',
      row,
      `ON CONFLICT DO UPDATE SET service = coalesce(processes.service, excluded.service),
       first_seen_ms = min(first_seen_ms, excluded.first_seen_ms), last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`,
    ),
  )
  tx.run(...toInsert('process_projects', { process_id: id, project_id: projectId }, 'ON CONFLICT DO NOTHING'))
  return id
}
