/** Stores the events of one export request. */
import { createHash } from 'node:crypto'
import type { WriteScope } from '../context.js'
import type { Transaction } from '../store/change-queue.js'
import { toInsert } from '../store/statement.js'
import { createBody } from '../store/event-body.js'
import type { MappedEvent } from './event-mapping.js'
import { type EventRecord, NO_SPAN } from '../store/event-record.js'
import { createId, isUuid, toEventId } from '../store/ids.js'
import { type JsonObject, toFiniteNumber, toNonEmptyText } from '../../otlp/json.js'

/** Stores mapped spans and the sessions and processes they name. */
export function storeEvents(scope: WriteScope, events: readonly MappedEvent[], headerLabel: string | undefined): void {
  const processes = new Map<JsonObject, string | null>()
  for (const event of events) {
    const projectId = scope.projectOf(event.projectLabel ?? headerLabel)
    const processId = processes.get(event.resource) ?? saveProcess(scope.tx, event.resource, projectId, event)
    processes.set(event.resource, processId)
    if (event.autoCreate && event.hasSession && !scope.events.hasRecord(projectId, event.sessionId)) createSession(scope, projectId, event)
    storeEvent(scope, projectId, processId, event)
  }
}

function storeEvent({ events }: WriteScope, projectId: number, processId: string | null, mapped: MappedEvent): void {
  const { resource, eventId, hasSession, autoCreate, sessionName, projectLabel, explicitParent, ...event } = mapped
  const { traceId, spanId } = event
  const own = traceId === null || spanId === null ? createId() : toEventId(projectId, traceId, spanId)
  events.put({ ...event, projectId, id: eventId ?? own, parentId: findParent(events, projectId, mapped), processId })
}

function findParent(events: WriteScope['events'], projectId: number, event: MappedEvent): string {
  const { traceId, spanId, parentSpanId, explicitParent, sessionId } = event
  if (traceId !== null && parentSpanId !== null) return events.eventIdOf(projectId, traceId, parentSpanId)
  const parent = explicitParent?.toLowerCase() ?? ''
  if (traceId !== null && /^[0-9a-f]{16}$/.test(parent) && parent !== spanId) return events.eventIdOf(projectId, traceId, parent)
  if (isUuid(parent)) return parent
  return sessionId
}

/** The record of a session that only its spans name. */
function createSession({ events }: WriteScope, projectId: number, event: MappedEvent): void {
  const { sessionId, sessionName, source, startMs, endMs, durationMs } = event
  const body = createBody()
  for (const key of ['run_id', 'dataset_id', 'datapoint_id']) {
    if (event.body.metadata[key] !== undefined) body.metadata[key] = event.body.metadata[key]
  }
  const times = { startMs, endMs, durationMs }
  const what = { type: 'session', name: sessionName, source, error: null, body }
  events.putSession({ projectId, id: sessionId, sessionId, parentId: null, ...what, ...times, ...NO_SPAN }, 'auto')
}

/** Remembers who sent: one process is one host, pid, service and instance. */
export function saveProcess(
  tx: Transaction,
  resource: JsonObject,
  projectId: number,
  { startMs, endMs }: Pick<EventRecord, 'startMs' | 'endMs'>,
): string | null {
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
