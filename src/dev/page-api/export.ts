/** Stored sessions as lines of OTLP JSON, each a request of its own, in the form `ingest/restored.ts` reads back. */
import { createHash } from 'node:crypto'
import { ATTRIBUTE, BUCKET_PREFIX, BUCKETS } from '../../semantics/attributes.js'
import { toEventBucket } from '../store/event-body.js'
import { LAST_DATE_MS } from '../../otlp/decoded-span.js'
import { type JsonObject, toObject } from '../../otlp/json.js'
import type { Reader, Row } from '../store/database.js'
import { parseBody } from '../store/event-rows.js'
import { eachEventPage, inSession } from '../store/events.js'
import { EXPORT_ATTRIBUTE, EXPORT_SCOPE } from '../ingest/restored.js'

/** Which sessions. */
export interface ExportFilter {
  readonly projectId?: number | undefined
  readonly sessionId?: string | undefined
}

const SESSIONS_PER_PAGE = 200
/** Characters of stored content in one line, so that a server takes each line as a request; one event may be larger by itself. */
const LINE_CHARS = 4_194_304

/** One line per session, more for one with many events; read as it is asked for. */
export function* eachExportLine(reader: Reader, { projectId, sessionId }: ExportFilter): Generator<string> {
  const processes = new Map<string, JsonObject>()
  for (const session of eachSession(reader, projectId, sessionId)) {
    const scopeOf = { name: EXPORT_SCOPE }
    for (const rows of eachPart(eachEventPage(reader, inSession(Number(session.project_id), String(session.id))))) {
      const resourceSpans = [...groupByProcess(rows)].map(([processId, ofProcess]) => ({
        resource: { attributes: toAttributes(readProcess(reader, processes, processId)) },
        scopeSpans: [{ scope: scopeOf, spans: ofProcess.map((row) => toSpan(reader, row, session)) }],
      }))
      yield `${JSON.stringify({ resourceSpans })}\n`
    }
  }
}

/** The pages again, those with much content in parts. */
function* eachPart(pages: Iterable<readonly Row[]>): Generator<readonly Row[]> {
  for (const page of pages) {
    let from = 0
    let chars = 0
    for (const [at, row] of page.entries()) {
      const own = toChars(row)
      if (chars > 0 && chars + own > LINE_CHARS) {
        yield page.slice(from, at)
        from = at
        chars = 0
      }
      chars += own
    }
    if (from < page.length) yield page.slice(from)
  }
}

function toChars({ inputs, outputs, rest }: Row): number {
  return String(inputs ?? '').length + String(outputs ?? '').length + String(rest ?? '').length + 1
}

function* eachSession(reader: Reader, projectId: number | undefined, sessionId: string | undefined): Generator<Row> {
  let after: readonly [number, string] = [-1, '']
  for (;;) {
    const rows = reader.all(
      `SELECT s.project_id, s.id, s.name, s.origin, p.name AS project FROM sessions s JOIN projects p ON p.id = s.project_id
       WHERE (s.project_id, s.id) > (?, ?) AND (? IS NULL OR s.project_id = ?) AND (? IS NULL OR s.id = ?) ORDER BY s.project_id, s.id LIMIT ?`,
      ...after,
      projectId,
      projectId,
      sessionId,
      sessionId,
      SESSIONS_PER_PAGE,
    )
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < SESSIONS_PER_PAGE) return
    after = [Number(last.project_id), String(last.id)]
  }
}

function groupByProcess(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const id = row.process_id === null ? '' : String(row.process_id)
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [row])
    else group.push(row)
  }
  return groups
}

function readProcess(reader: Reader, known: Map<string, JsonObject>, id: string): JsonObject {
  const present = known.get(id)
  if (present !== undefined) return present
  const row = reader.get('SELECT * FROM processes WHERE id = ?', id)
  const resource = { 'process.pid': row?.pid ?? null, 'host.name': row?.host ?? null, 'service.name': row?.service ?? null }
  known.set(id, resource)
  return resource
}

function toSpan(reader: Reader, row: Row, session: Row): object {
  const body = parseBody(row)
  const id = String(row.id)
  const parentSpan = typeof row.parent_span_id === 'string' && row.parent_span_id !== '' ? row.parent_span_id : undefined
  const attributes: Record<string, unknown> = {
    [ATTRIBUTE.sessionId]: row.session_id,
    [ATTRIBUTE.sessionName]: session.name,
    [ATTRIBUTE.project]: session.project,
    [ATTRIBUTE.source]: row.source,
    [ATTRIBUTE.eventType]: row.type,
    [ATTRIBUTE.eventName]: row.name,
    [ATTRIBUTE.eventId]: id,
    [ATTRIBUTE.parentId]: row.parent_id,
    [ATTRIBUTE.error]: row.error,
    [EXPORT_ATTRIBUTE.durationMs]: row.duration_ms,
    [EXPORT_ATTRIBUTE.startMs]: row.start_ms,
    [EXPORT_ATTRIBUTE.endMs]: row.end_ms,
    [EXPORT_ATTRIBUTE.isTraced]: row.trace_id !== null,
    [EXPORT_ATTRIBUTE.origin]: row.type === 'session' ? session.origin : null,
  }
  for (const bucket of BUCKETS) {
    const content = body[toEventBucket(bucket)]
    if (Object.keys(content).length > 0) attributes[BUCKET_PREFIX[bucket]] = JSON.stringify(content)
  }
  return {
    // What came over REST has no trace: its ids follow from those it has, so that an export made twice is the same.
    traceId: row.trace_id ?? toHex(`trace ${row.session_id}`, 32),
    spanId: row.span_id ?? toHex(`span ${id}`, 16),
    ...(parentSpan === undefined ? {} : { parentSpanId: parentSpan }),
    name: row.name,
    kind: 1,
    startTimeUnixNano: toNanos(Number(row.start_ms)),
    endTimeUnixNano: toNanos(Number(row.end_ms)),
    attributes: toAttributes(attributes),
    links: Number(row.links) === 0 ? [] : reader.all('SELECT * FROM links WHERE event_key = ?', row.key).map(toLink),
    status: row.error === null ? {} : { code: 2, message: row.error },
  }
}

function toLink(link: Row): object {
  return { traceId: link.to_trace, spanId: link.to_span, attributes: toAttributes(toObject(JSON.parse(String(link.attributes)))) }
}

function toAttributes(values: JsonObject): object[] {
  return Object.entries(values).flatMap(([key, value]): object[] => {
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }]
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }]
    if (typeof value === 'number') return [{ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }]
    return []
  })
}

function toHex(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

function toNanos(unixMs: number): string {
  // A file of an earlier version may hold any number.
  return String(BigInt(Math.round(Math.min(unixMs, LAST_DATE_MS) * 1000)) * 1000n)
}
